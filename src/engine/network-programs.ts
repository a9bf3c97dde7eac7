/** The programs that bridge networks are made of, and one clear line for each that is missing. */
import { existsSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { findExecutable } from './user-namespace.ts';

/** Beside PATH: where distributions put what is not for a user to type. `CTR_HELPER_DIRS` names others. */
const helperDirectories =
  '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/libexec/podman:/usr/local/lib/podman:/usr/libexec/podman:/usr/lib/podman';

const packageOf = {
  netavark: 'netavark',
  'aardvark-dns': 'aardvark-dns',
  iptables: 'iptables',
  pasta: 'passt',
  slirp4netns: 'slirp4netns',
  ip: 'iproute2',
  bridge: 'iproute2',
  wg: 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
  unshare: 'util-linux',
  nsenter: 'util-linux',
} as const;

export type NetworkProgram = keyof typeof packageOf;

/** PATH with the directories of helpers behind it: netavark looks for iptables there. */
export function helperPath(host: Host): string {
  return `${host.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}:${host.env.CTR_HELPER_DIRS ?? helperDirectories}`;
}

export function findNetworkProgram(host: Host, name: NetworkProgram): string | undefined {
  return findExecutable({ ...host, env: { PATH: helperPath(host) } }, name);
}

/** The program's path; UNSUPPORTED with the package's name when it is missing. */
export function requireNetworkProgram(host: Host, name: NetworkProgram, kind = 'bridge'): string {
  const found = findNetworkProgram(host, name);
  if (found !== undefined) return found;
  throw new CtrError('UNSUPPORTED', `${name} is not installed: ${needs[name] ?? `${kind} networks need it`}`, {
    hint: `install the package ${packageOf[name]}; ${instead[name] ?? '--network pasta'}, host and none work without it`,
  });
}

const needs: Readonly<Partial<Record<NetworkProgram, string>>> = {
  'aardvark-dns': 'bridge networks with names need it',
  pasta: 'bridge networks need it for their way out (or slirp4netns), and to publish ports',
};
const instead: Readonly<Partial<Record<NetworkProgram, string>>> = {
  'aardvark-dns': 'networks made with --disable-dns, --network pasta',
  pasta: '--network slirp4netns',
};

export interface NetworkNeeds {
  readonly dns: boolean;
  readonly publish: boolean;
}

/** Everything that a network of this driver needs, before anything is made. */
export function requireNetworkPrograms(host: Host, { dns, publish }: NetworkNeeds): void {
  const names: NetworkProgram[] = ['netavark', 'iptables', 'ip'];
  if (publish || !findNetworkProgram(host, 'slirp4netns')) names.push('pasta');
  for (const name of dns ? [...names, 'aardvark-dns' as const] : names) requireNetworkProgram(host, name);
}

/** As requireNetworkPrograms, for what an overlay network needs beside that. The kernel's own WireGuard does, too. */
export function requireOverlayPrograms(host: Host): void {
  for (const name of ['wg', 'pasta', 'bridge', 'unshare', 'nsenter'] as const)
    requireNetworkProgram(host, name, 'overlay');
  if (!existsSync('/sys/module/wireguard')) requireNetworkProgram(host, 'wireguard-go', 'overlay');
}

/** For `ctr doctor`. */
export function missingNetworkPrograms(host: Host): Array<{ readonly name: string; readonly packageName: string }> {
  return (['netavark', 'aardvark-dns', 'iptables', 'ip'] as const)
    .filter((name) => findNetworkProgram(host, name) === undefined)
    .map((name) => ({ name, packageName: packageOf[name] }));
}
