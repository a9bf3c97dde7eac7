/**
 * Published ports of a container on bridge networks: a pasta of its own beside them, which keeps the clients' addresses.
 * Connections that came in by it are marked, and what is marked goes out by it again (iptables-extensions(8) CONNMARK,
 * ip-rule(8)); everything else takes the bridge. From the host's loopback pasta goes to the container's loopback.
 */
import { writeFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { PublishedPort } from '../net/host-ports.ts';
import { publishLink, startPasta } from '../net/pasta.ts';
import { layout } from '../storage/layout.ts';
import { lastLine, runInHolder } from './network-holder.ts';
import { requireNetworkProgram } from './network-programs.ts';

const mark = '0x637472';
const table = '6374';

export interface PublishRequest {
  readonly pid: number;
  readonly id: string;
  readonly addresses: readonly string[];
  readonly ports: readonly PublishedPort[];
}

/** The caller holds the holder's lock. Pasta ends with the container's runtime directory. */
export async function publishPorts(host: Host, holder: number, { pid, id, addresses, ports }: PublishRequest) {
  const directory = layout.runContainer(host, id);
  const own = [4, 6].flatMap((version) => addresses.find((one) => one.includes(':') === (version === 6)) ?? []);
  const request = { pid, directory, options: [], publish: ports, hostLoopback: false, publishFor: own };
  await startPasta(request, requireNetworkProgram(host, 'pasta'), host.uid);
  const has6 = own.some((address) => address.includes(':'));
  const [links, rules] = [layout.holderFile(host, 'publish.ip'), layout.holderFile(host, 'publish.rules')];
  writeFileSync(links, linkCommands(has6));
  writeFileSync(rules, markRules);
  const ip = requireNetworkProgram(host, 'ip');
  const script = [
    '"$1" -batch "$2" && iptables-restore --noflush "$3"',
    ...(has6 ? ['&& ip6tables-restore --noflush "$3"'] : []),
  ];
  const args = ['/bin/sh', '-c', script.join(' '), 'sh', ip, links, rules];
  const { exitCode, said } = await runInHolder(host, holder, { args, log: 'publish', network: pid });
  if (exitCode === 0) return;
  throw new CtrError('NETWORK', `cannot publish ports: ${lastLine(said, exitCode)}`, { hint: 'see docs/networks.md' });
}

function linkCommands(has6: boolean): string {
  const { interface: link, gateway, gateway6 } = publishLink;
  return [
    `link set ${link} up`,
    `rule add fwmark ${mark} table ${table}`,
    `route add default via ${gateway} dev ${link} onlink table ${table}`,
    ...(has6
      ? [`-6 rule add fwmark ${mark} table ${table}`, `-6 route add default via ${gateway6} dev ${link} table ${table}`]
      : []),
    '',
  ].join('\n');
}

const markRules = `*mangle
-A PREROUTING -i ${publishLink.interface} -j CONNMARK --set-mark ${mark}
-A OUTPUT -m connmark --mark ${mark} -j MARK --set-mark ${mark}
COMMIT
`;
