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
  const file = (name: string) => layout.holderFile(host, `publish.${name}`);
  const [links, links6, rules] = [file('ip'), file('ip6'), file('rules')];
  const { interface: link, gateway, gateway6 } = publishLink;
  writeFileSync(links, `link set ${link} up\n${routeCommands(`${gateway} dev ${link} onlink`)}`);
  writeFileSync(links6, routeCommands(`${gateway6} dev ${link}`));
  writeFileSync(rules, markRules);
  const ip = requireNetworkProgram(host, 'ip');
  const script = [
    '"$1" -batch "$2" && iptables-restore --noflush "$3"',
    ...(has6 ? ['&& "$1" -6 -batch "$4" && ip6tables-restore --noflush "$3"'] : []),
  ];
  const args = ['/bin/sh', '-c', script.join(' '), 'sh', ip, links, rules, links6];
  const { exitCode, said } = await runInHolder(host, holder, { args, log: 'publish', network: pid });
  if (exitCode === 0) return;
  throw new CtrError('NETWORK', `cannot publish ports: ${lastLine(said, exitCode)}`, { hint: 'see docs/networks.md' });
}

const routeCommands = (via: string) =>
  `rule add fwmark ${mark} table ${table}\nroute add default via ${via} table ${table}\n`;

const markRules = `*mangle
-A PREROUTING -i ${publishLink.interface} -j CONNMARK --set-mark ${mark}
-A OUTPUT -m connmark --mark ${mark} -j MARK --set-mark ${mark}
COMMIT
`;
