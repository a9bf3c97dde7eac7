/**
 * Named networks: networks/<name>.json, in the shape of Podman's own files (netavark reads the same members). One
 * network, `bridge`, is always there and is in no file.
 *
 * Should:  find, make and remove them. Mustn't: know who uses them; addresses are in network-members.ts.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, writeJsonFile } from '../base/json-file.ts';
import { array, boolean, type Check, object, optional, record, string } from '../oci/check.ts';
import { hexOf, sha256Of } from '../oci/digest.ts';
import { layout } from './layout.ts';
import { ensureDataRoot, namesIn } from './roots.ts';

export interface NetworkSubnet {
  readonly subnet: string;
  /** Absent in an internal network without one. */
  readonly gateway?: string;
  /** Only these addresses are given out. */
  readonly lease_range?: { readonly start_ip: string; readonly end_ip: string };
}

export interface NetworkRecord {
  readonly name: string;
  readonly id: string;
  readonly driver: string;
  /** Of a bridge its own name; of macvlan the interface that it is on. */
  readonly network_interface: string;
  /** RFC 3339. */
  readonly created: string;
  readonly subnets: readonly NetworkSubnet[];
  readonly ipv6_enabled: boolean;
  readonly internal: boolean;
  readonly dns_enabled: boolean;
  /** `--dns`: where names are asked for that no container has. */
  readonly network_dns_servers?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly ipam_options: Readonly<Record<string, string>>;
  /** Of the driver `overlay`. */
  readonly overlay?: OverlayRecord;
}

/** The machines of an overlay network, each HOST:PORT. */
export interface OverlayRecord {
  /** This one. */
  readonly self: string;
  /** The others; with etcd those that were given by hand. */
  readonly peers: readonly string[];
  /** Where the secret is that they share; never the secret. */
  readonly key_file: string;
  /** A URL: where the machines find each other. */
  readonly etcd?: string;
}

export type OverlayNetwork = NetworkRecord & { readonly overlay: OverlayRecord };

export const isOverlay = (network: NetworkRecord): network is OverlayNetwork => network.overlay !== undefined;

/** A bridge of the holder is what it is made of. */
export const hasBridge = ({ driver }: Pick<NetworkRecord, 'driver'>): boolean => ['bridge', 'overlay'].includes(driver);

const networkRecord: Check<NetworkRecord> = object({
  name: string,
  id: string,
  driver: string,
  network_interface: string,
  created: string,
  subnets: array(
    object({
      subnet: string,
      gateway: optional(string),
      lease_range: optional(object({ start_ip: string, end_ip: string })),
    }),
  ),
  ipv6_enabled: boolean,
  internal: boolean,
  dns_enabled: boolean,
  network_dns_servers: optional(array(string)),
  labels: record(string),
  options: record(string),
  ipam_options: record(string),
  overlay: optional(object({ self: string, peers: array(string), key_file: string, etcd: optional(string) })),
});

export const defaultNetworkName = 'bridge';

/** The network of `--network bridge`; Podman's subnet for its own. */
const defaultNetwork: NetworkRecord = {
  name: defaultNetworkName,
  id: networkId(defaultNetworkName),
  driver: 'bridge',
  network_interface: 'ctr0',
  created: '1970-01-01T00:00:00Z',
  subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: true,
  labels: {},
  options: {},
  ipam_options: { driver: 'host-local' },
};

/** 64 hex digits: Podman's way, the hash of the name. */
export function networkId(name: string): string {
  return hexOf(sha256Of(name));
}

/** Undefined when there is no such network. `podman` is the default one, too. */
export function readNetwork(host: Host, name: string): NetworkRecord | undefined {
  if (name === defaultNetworkName || name === 'podman') return defaultNetwork;
  return readNetworkFile(layout.network(host, name));
}

/** The record in this file. */
export function readNetworkFile(path: string): NetworkRecord | undefined {
  const value = readJsonFile(path);
  return value === undefined ? undefined : networkRecord(value, path);
}

/** By name, ID or the beginning of one ID; throws NOT_FOUND (exit code 1). */
export function resolveNetwork(host: Host, nameOrId: string): NetworkRecord {
  const named = readNetwork(host, nameOrId);
  if (named) return named;
  const isId = /^[\da-f]{2,64}$/.test(nameOrId);
  const [found, ...others] = isId ? listNetworks(host).filter(({ id }) => id.startsWith(nameOrId)) : [];
  if (others.length > 0) throw new CtrError('INVALID', `${nameOrId} is the beginning of more than one network ID`);
  if (found) return found;
  throw new CtrError('NOT_FOUND', `unable to find network with name or ID ${nameOrId}: network not found`, {
    hint: `\`ctr network create ${nameOrId}\` makes it, \`ctr network ls\` lists all`,
    exitCode: 1,
  });
}

/** By name, the default one first. A network whose record cannot be read is reported and left out. */
export function listNetworks(host: Host): NetworkRecord[] {
  const stored = namesIn(layout.networks(host))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file) => {
      const path = `${layout.networks(host)}/${file}`;
      try {
        return readNetworkFile(path) ?? [];
      } catch (error) {
        host.log.warn(`network ${file}: ${error instanceof Error ? error.message : error}`);
        return [];
      }
    });
  return [defaultNetwork, ...stored];
}

export function writeNetwork(host: Host, network: NetworkRecord): void {
  ensureDataRoot(host);
  mkdirSync(layout.networks(host), { recursive: true, mode: 0o700 });
  writeJsonFile(layout.network(host, network.name), network, { durable: true });
}

/** Idempotent. */
export function removeNetworkRecord(host: Host, { name }: NetworkRecord): void {
  rmSync(layout.network(host, name), { force: true });
}

/** Docker's grammar of names. */
export const isNetworkName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name);
