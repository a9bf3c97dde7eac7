/**
 * Subordinate ids: the ranges that newuidmap and newgidmap let this user map (subuid(5), subgid(5)).
 *
 * A line is `owner:start:count`; the owner is a login name or a numeric uid (also in /etc/subgid: it names the
 * user, not the group), and may have several lines. Where /etc/nsswitch.conf has a `subid:` source other than
 * `files` (sssd, LDAP), the files say nothing and getsubids(1) is asked, which costs a process.
 */
import { readFileSync } from 'node:fs';

/** `count` consecutive ids from `start`. */
export interface Range {
  readonly start: number;
  readonly count: number;
}

export interface SubIds {
  readonly uid: readonly Range[];
  readonly gid: readonly Range[];
}

/** Ids are 32 bits wide and 4294967295 means "none" (user_namespaces(7)). */
const idLimit = 0xffff_ffff;

/** The ranges of `owner` in file order, without exact repetitions; malformed lines are skipped as shadow's own parser does. */
export function parseSubIds(text: string, owner: { readonly name: string | undefined; readonly uid: number }): Range[] {
  const found = new Map<string, Range>();
  for (const line of text.split('\n')) {
    const [who, start, count, ...rest] = line.trim().split(':');
    if (who !== owner.name && who !== String(owner.uid)) continue;
    if (who === '' || rest.length > 0) continue;
    const range = { start: toId(start), count: toId(count) };
    if (Number.isNaN(range.start) || !(range.count > 0) || range.start + range.count > idLimit) continue;
    found.set(`${range.start}:${range.count}`, range);
  }
  return [...found.values()];
}

/** The sources of `subid:` in an nsswitch.conf(5) text; `files` when it has no such line. */
export function subIdSources(nsswitch: string): string[] {
  const line = nsswitch.split('\n').find((each) => /^\s*subid\s*:/.test(each));
  const sources = line?.replace(/#.*/, '').split(':')[1]?.trim();
  return sources ? sources.split(/\s+/) : ['files'];
}

/** The ranges in getsubids(1) output: `0: name 100000 65536` per line. */
export function parseGetSubIds(text: string): Range[] {
  return [...text.matchAll(/^\d+:\s+\S+\s+(\d+)\s+(\d+)\s*$/gm)].map((match) => ({
    start: Number(match[1]),
    count: Number(match[2]),
  }));
}

/** The ranges of the user with this uid; empty lists when there are none. `name` is looked up when absent. */
export function subIds(uid: number, name = loginName(uid)): SubIds {
  const owner = { name, uid };
  const ranges = {
    uid: parseSubIds(readText('/etc/subuid'), owner),
    gid: parseSubIds(readText('/etc/subgid'), owner),
  };
  if (ranges.uid.length > 0 && ranges.gid.length > 0) return ranges;
  const elsewhere = subIdSources(readText('/etc/nsswitch.conf')).some((source) => source !== 'files');
  if (!elsewhere) return ranges;
  const who = name ?? String(uid);
  return { uid: askGetSubIds([who]), gid: askGetSubIds(['-g', who]) };
}

/** The login name of the caller, whose uid this is; undefined when no name service knows it (in a container, say). */
export function loginName(uid: number): string | undefined {
  const lines = readText('/etc/passwd').split('\n');
  const own = lines.map((line) => line.split(':')).find(([name, , id]) => name !== '' && id === String(uid));
  return own?.[0] ?? loginNameElsewhere(uid);
}

/** By getpwuid(3), whose loading `run` need not wait for as long as /etc/passwd has the caller. */
function loginNameElsewhere(uid: number): string | undefined {
  try {
    const caller = process.getBuiltinModule('node:os').userInfo();
    return caller.uid === uid ? caller.username : undefined;
  } catch {
    return undefined;
  }
}

function askGetSubIds(args: readonly string[]): Range[] {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const answer = spawnSync('getsubids', args, { encoding: 'utf8', timeout: 10_000 });
  return answer.status === 0 ? parseGetSubIds(answer.stdout) : [];
}

function toId(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ENOENT: no ranges for anybody
  }
}
