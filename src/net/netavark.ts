/**
 * netavark(1) makes bridges, veth pairs, addresses, routes and firewall rules. It is given one JSON document: the
 * container with its place in each network, and the networks themselves.
 *
 * Facts, seen with Debian 12's 1.4.0: it needs iptables in PATH; it takes 70 ms, of which iptables is the most; with
 * `dns_enabled` it would start and signal aardvark-dns itself, so that we say false and do that on our own (aardvark.ts).
 */
import { CtrError } from '../base/ctr-error.ts';
import { array, object, parseJson, record, string } from '../oci/check.ts';

/** A container's place in one network, and the network as it is stored. */
export interface Attachment {
  readonly network: {
    readonly name: string;
    readonly driver: string;
    readonly options: Readonly<Record<string, string>>;
  };
  readonly interfaceName: string;
  readonly addresses: readonly string[];
  /** Absent: the kernel chooses. */
  readonly mac?: string | undefined;
}

/** The document for `netavark setup` and `netavark teardown`. */
export function netavarkInput(containerId: string, containerName: string, attachments: readonly Attachment[]): string {
  return JSON.stringify({
    container_id: containerId,
    container_name: containerName,
    networks: Object.fromEntries(
      attachments.map(({ network, interfaceName, addresses, mac }) => [
        network.name,
        { interface_name: interfaceName, static_ips: addresses, ...(mac === undefined ? {} : { static_mac: mac }) },
      ]),
    ),
    network_info: Object.fromEntries(
      attachments.map(({ network }) => [
        network.name,
        {
          ...network,
          driver: driverFor(network.driver),
          options: optionsFor(network.driver, network.options),
          dns_enabled: false,
        },
      ]),
    ),
  });
}

/** To netavark an overlay is a bridge: what makes it more is a port of it. */
const driverFor = (driver: string) => (driver === 'overlay' ? 'bridge' : driver);

/** Networks are kept apart, as Docker does, unless `--opt isolate=false`; words that only we know are left out. */
function optionsFor(driver: string, options: Readonly<Record<string, string>>): Record<string, string> {
  const theirs = Object.entries(options).filter(([name]) => netavarkOptions.includes(name));
  return { ...(driverFor(driver) === 'bridge' ? { isolate: 'true' } : {}), ...Object.fromEntries(theirs) };
}

const netavarkOptions = ['mtu', 'isolate', 'vlan', 'mode', 'metric'];

/** What was made: the MAC address by network. */
export function netavarkMacs(output: string): Map<string, string> {
  const status = parseJson(output, 'the answer of netavark', answer);
  return new Map(
    Object.entries(status).map(([name, { interfaces }]) => [name, Object.values(interfaces)[0]?.mac_address ?? '']),
  );
}

const answer = record(object({ interfaces: record(object({ mac_address: string, subnets: array(object({})) })) }));

/** netavark prints its error as JSON on stdout, and panics on stderr. */
export function netavarkError(said: string, exitCode: number): CtrError {
  const reason = /"error":"((?:[^"\\]|\\.)*)"/.exec(said)?.[1]?.replaceAll('\\n', ' ').replaceAll('\\"', '"').trim();
  return new CtrError('NETWORK', `netavark: ${reason || said.trim().split('\n').at(-1) || `exit ${exitCode}`}`, {
    hint: hintFor(reason ?? said),
  });
}

function hintFor(reason: string): string {
  if (/operation not supported/i.test(reason)) return 'this kernel lacks a kind of interface: see `ctr doctor`';
  if (/iptables|nft/i.test(reason)) return 'the firewall of the network namespace refused a rule: see docs/networks.md';
  return 'see docs/networks.md';
}
