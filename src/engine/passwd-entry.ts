/** The lines of /etc/passwd and /etc/group for a user that the image does not know (podman-run(1) --passwd). */
import type { RuntimeProcess } from '../oci/runtime.ts';
import type { RuntimeSpecInput } from './runtime-spec/facts.ts';

type Append = { readonly path: string; readonly text: string };

/**
 * Programs such as ssh, git and whoami fail without an entry. The user of --userns=keep-id has the caller's name; any
 * other has its number for a name.
 */
export function passwdLines(input: RuntimeSpecInput, { uid, gid }: RuntimeProcess['user']): Append[] {
  return [...hostUserLines(input), ...ownLines(input, { uid, gid })];
}

/** podman-run(1) --hostuser: lines of the host's own /etc/passwd. */
function hostUserLines({ request, userFiles, facts }: RuntimeSpecInput): Append[] {
  const lines = (facts.hostUserLines ?? []).filter((text) => !userFiles.passwd.split('\n').includes(text));
  if (lines.length === 0 || request.keepPasswd) return [];
  const start = userFiles.passwd === '' || userFiles.passwd.endsWith('\n') ? '' : '\n';
  return [{ path: '/etc/passwd', text: `${start}${lines.join('\n')}\n` }];
}

function ownLines(input: RuntimeSpecInput, { uid, gid }: Pick<RuntimeProcess['user'], 'uid' | 'gid'>): Append[] {
  const { request, userFiles, facts } = input;
  // Root and an image without /etc/passwd are left alone: nothing in it looks users up.
  if (request.keepPasswd || userFiles.passwd === '') return [];
  const isKept = facts.keptUser !== undefined && facts.keptUser.uid === uid;
  const caller = isKept ? process.getBuiltinModule('node:os').userInfo() : undefined;
  const name = free(caller?.username, userFiles.passwd) ?? String(uid);
  const values = {
    USERNAME: name,
    UID: uid,
    GID: gid,
    NAME: name,
    HOME: homeOf(input, caller?.homedir),
    GROUPNAME: name,
  };
  const user = request.passwdEntry ?? '$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/sh';
  const group = request.groupEntry ?? '$GROUPNAME:x:$GID:$USERNAME';
  return [
    ...(hasId(userFiles.passwd, uid) && request.passwdEntry === undefined
      ? []
      : [line('/etc/passwd', user, userFiles.passwd)]),
    ...(hasId(userFiles.group, gid) && request.groupEntry === undefined
      ? []
      : [line('/etc/group', group, userFiles.group)]),
  ].flatMap(({ path, template, before }): Append[] => {
    const text = template.replace(/\$([A-Z]+)/g, (word, key: string) =>
      String(values[key as keyof typeof values] ?? word),
    );
    // A container that is started again has the line already.
    if (before.split('\n').includes(text)) return [];
    return [{ path, text: `${before === '' || before.endsWith('\n') ? '' : '\n'}${text}\n` }];
  });
}

const line = (path: string, template: string, before: string) => ({ path, template, before });

const hasId = (text: string, id: number) => text.split('\n').some((entry) => entry.split(':')[2] === String(id));

/** A name that another entry has would give its user a second number. */
function free(name: string | undefined, passwd: string): string | undefined {
  const isTaken = name === undefined || passwd.split('\n').some((entry) => entry.startsWith(`${name}:`));
  return isTaken ? undefined : name;
}

/** The caller's own home where it is mounted; else the working directory, as in Podman. */
function homeOf({ request, defaults }: RuntimeSpecInput, home: string | undefined): string {
  const isMounted =
    home !== undefined && request.mounts.some(({ target }) => home === target || home.startsWith(`${target}/`));
  return isMounted ? home : (request.workdir ?? defaults.WorkingDir ?? '/') || '/';
}
