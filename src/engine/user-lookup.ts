/**
 * Who `--user` or the image's User means, by the texts of the image's /etc/passwd and /etc/group (passwd(5),
 * group(5)). The texts come from the image: odd lines are skipped, numbers out of range are refused.
 */
import { CtrError } from '../base/ctr-error.ts';

/** Texts of the image's files; empty where a file is missing. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
  /** Undefined when only a number is known. */
  readonly name: string | undefined;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * `spec` is `name|uid[:group|gid]`; empty means root. A number needs no entry (its group is 0 then); a name does.
 * A group in `spec` replaces the supplementary groups that /etc/group gives the user.
 */
export function lookUpUser(spec: string, files: UserFiles, groupAdd: readonly string[] = []): ContainerUser {
  const colon = spec.indexOf(':');
  const userWord = (colon === -1 ? spec : spec.slice(0, colon)) || '0';
  const groupWord = colon === -1 ? '' : spec.slice(colon + 1);
  const groups = parseGroups(files.group);
  const entry = findUser(userWord, parsePasswd(files.passwd));
  const memberships =
    groupWord === '' ? groups.filter(({ members }) => entry.name && members.includes(entry.name)) : [];
  const added = groupAdd.filter((word) => word !== 'keep-groups').map((word) => findGroup(word, groups));
  return {
    uid: entry.uid,
    gid: groupWord === '' ? entry.gid : findGroup(groupWord, groups),
    additionalGids: [...new Set([...memberships.map(({ gid }) => gid), ...added])],
    home: entry.home.startsWith('/') ? entry.home : '/',
    name: entry.name || undefined,
  };
}

/** Every number of the files. */
export const idsOf = (files: UserFiles): number[] => [
  ...parsePasswd(files.passwd).flatMap(({ uid, gid }) => [uid, gid]),
  ...parseGroups(files.group).map(({ gid }) => gid),
];

function findUser(word: string, entries: readonly PasswdEntry[]): PasswdEntry {
  const uid = parseId(word);
  const entry = entries.find(({ name }) => name === word) ?? entries.find((one) => one.uid === uid);
  if (entry) return entry;
  if (uid !== undefined) return { name: '', uid, gid: 0, home: '/' };
  throw missing('user', word, '/etc/passwd');
}

function findGroup(word: string, entries: readonly GroupEntry[]): number {
  const gid = entries.find(({ name }) => name === word)?.gid ?? parseId(word);
  if (gid === undefined) throw missing('group', word, '/etc/group');
  return gid;
}

function missing(kind: 'user' | 'group', word: string, file: string): CtrError {
  return new CtrError('NOT_FOUND', `${kind} ${JSON.stringify(word)} is not in ${file} of the image`, {
    hint: `use a number, or add the ${kind} to the image`,
  });
}

/** (uid_t)-1 means "leave as it is" to the kernel, so the last id is one below. */
function parseId(word: string): number | undefined {
  if (!/^\d{1,10}$/.test(word)) return undefined;
  const id = Number(word);
  if (id > 4_294_967_294) throw new CtrError('INVALID', `${word} is too large for a user or group ID`);
  return id;
}

function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    name !== '' && isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  );
}

function parseGroups(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name = '', , gid = '', members = '']) =>
    name !== '' && isId(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
}

const isId = (text: string) => /^\d{1,10}$/.test(text) && Number(text) <= 4_294_967_294;

const fieldsOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(':'));
