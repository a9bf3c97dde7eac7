/**
 * Unprivileged users for the tests. Root makes one for each test file, named after its process, so that processes,
 * ranges and stores of two files never meet; whoever is not root tests as themselves. Users of suites that died are
 * removed by the next one.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import type { UserIdentity } from './run-as.ts';

const prefix = 'ctrtest';

/** The caller, when the caller is not root: has ranges or not, as the machine's owner decided. */
export function callingUser(): UserIdentity {
  const { username, uid, gid } = userInfo();
  return { name: username, uid, gid };
}

let created = 0;

/** Make a user whose name says which process it belongs to. `ranges`: with or without entries in /etc/subuid. */
export function createUser(ranges: boolean, home: string): UserIdentity {
  const name = `${prefix}-${process.pid}-${++created}`;
  for (const file of ['/etc/subuid', '/etc/subgid']) if (!existsSync(file)) writeFileSync(file, '');
  const count = ranges ? '65536' : '0';
  const key = (which: string) => ['--key', `SUB_${which}_COUNT=${count}`];
  const account = ['--no-create-home', '--home-dir', home, '--shell', '/bin/sh'];
  locked('useradd', ...account, ...key('UID'), ...key('GID'), name);
  const [, , uid = '', gid = ''] = entryOf('/etc/passwd', name);
  return { name, uid: Number(uid), gid: Number(gid) };
}

/** A home with an XDG_RUNTIME_DIR (0700, as logind makes it) for `user`, and the environment of a login there. */
export function createHome(user: UserIdentity, home: string, path: string): Record<string, string> {
  const runtime = `${home}/run`;
  for (const dir of [home, runtime]) {
    mkdirSync(dir, { recursive: true });
    chownSync(dir, user.uid, user.gid);
    chmodSync(dir, 0o700);
  }
  return {
    HOME: home,
    XDG_RUNTIME_DIR: runtime,
    USER: user.name,
    LOGNAME: user.name,
    PATH: path,
    LANG: 'C.UTF-8',
    TERM: 'xterm',
  };
}

/** End the user's processes, by pid, and remove the user. */
export function removeUser(user: UserIdentity): void {
  killProcessesOf(user);
  locked('userdel', '--force', user.name);
}

/** One at a time: useradd(8) gives up at once when another holds the lock of /etc/subuid. */
function locked(...argv: readonly string[]): void {
  execFileSync('flock', [`${tmpdir()}/ctr-test-users.lock`, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export function killProcessesOf(user: UserIdentity): void {
  for (const pid of processesOf(user)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ESRCH: it has ended meanwhile
    }
  }
}

/**
 * Pids whose real uid is the user's or one of the user's subordinate ids: containers' processes too. Zombies are left
 * out: their memory is gone, and when their parent (some CI's pid 1) reaps them is not ours to say.
 */
export function processesOf(user: UserIdentity): number[] {
  const [, first = '-1', count = '0'] = entryOf('/etc/subuid', user.name);
  const isTheirs = (uid: number) => uid === user.uid || (uid >= Number(first) && uid < Number(first) + Number(count));
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isTheirs(realUidOf(pid)));
}

/** proc_pid_comm(5); empty when the process has ended. */
export function commOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return '';
  }
}

/** Remove what suites left whose process is gone (killed, power cut). */
export function removeStaleUsers(): void {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    const owner = new RegExp(`^${prefix}-(\\d+)-\\d+$`).exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    removeUser({ name, uid: Number(uid), gid: Number(gid) });
  }
}

/** Remove a tree with files of subordinate ids in it: needs root, or is the caller's own tree. */
export function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function entryOf(file: string, name: string): string[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
}

function realUidOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return /^State:\s+Z/m.test(status) ? -1 : Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? -1);
  } catch {
    return -1;
  }
}
