/**
 * Visible skips: `describe.skipIf(lacks('podman'))` hides a test without a word, `needs` puts the reason into its
 * title, and CI counts it. A test that needs something says so in its first line.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { type TestFunction, test } from 'vitest';

/** What a machine may lack, and how one sees that it has it. */
const probes = {
  root: () => process.getuid?.() === 0,
  podman: () => onPath('podman'),
  docker: () => onPath('docker'),
  skopeo: () => onPath('skopeo'),
  registry: () => onPath('docker-registry'),
  journald: () => existsSync('/lib/systemd/systemd-journald') && onPath('journalctl'),
  socat: () => onPath('socat'),
  tmux: () => onPath('tmux'),
  strace: () => onPath('strace'),
  ssh: () => ['ssh', 'ssh-agent', 'ssh-add', 'ssh-keygen'].every((name) => onPath(name)),
  sshd: () => onPath('sshd'),
  git: () => onPath('git'),
  openssl: () => onPath('openssl'),
  htpasswd: () => onPath('htpasswd'),
  busybox: () => onPath('busybox'),
  mmdebstrap: () => onPath('mmdebstrap') || onPath('debootstrap'),
  crun: () => onPath('crun'),
  slirp4netns: () => onPath('slirp4netns') && writable('/dev/net/tun'),
  pasta: () => onPath('pasta') && writable('/dev/net/tun'),
  netavark: () => ['netavark', 'aardvark-dns'].every((name) => helperThere(name)) && onPath('iptables'),
  wireguard: () => onPath('wg') && onPath('wireguard-go') && writable('/dev/net/tun'),
  tcpdump: () => onPath('tcpdump'),
  etcd: () => onPath('etcd'),
  fuse: () => onPath('fuse-overlayfs') && writable('/dev/fuse'),
  qemu: () => onPath('qemu-aarch64-static') && readFileSync('/proc/filesystems', 'utf8').includes('binfmt_misc'),
  'subordinate-ids': () => onPath('newuidmap') && (process.getuid?.() === 0 || hasRange()),
} as const;
export type Need = keyof typeof probes;

/** The first need that this machine does not meet, or undefined. */
export function missing(...needs: readonly Need[]): Need | undefined {
  return needs.find((need) => !probes[need]());
}

/** A `test` that runs where every need is met and is a visible skip, with the reason in its title, elsewhere. */
export function needs(...all: readonly Need[]): (title: string, body: TestFunction, timeoutMs?: number) => void {
  const lacking = missing(...all);
  if (lacking === undefined) return (title, body, timeoutMs) => test(title, { ...timeout(timeoutMs) }, body);
  return (title) => test.skip(`${title} [skipped: this machine has no ${lacking}]`, () => undefined);
}

const timeout = (timeoutMs: number | undefined) => (timeoutMs === undefined ? {} : { timeout: timeoutMs });

export function onPath(program: string): boolean {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return path.split(':').some((dir) => dir !== '' && existsSync(`${dir}/${program}`));
}

const helperThere = (name: string): boolean =>
  onPath(name) || ['/usr/lib/podman', '/usr/libexec/podman'].some((dir) => existsSync(`${dir}/${name}`));

/** Tests run as another user than root: what counts is the permission of others. */
function writable(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function hasRange(): boolean {
  const user = process.env.USER ?? '';
  return existsSync('/etc/subuid') && readFileSync('/etc/subuid', 'utf8').includes(`${user}:`);
}
