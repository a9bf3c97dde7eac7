/** The caller's user namespace: which maps it gets, and running things inside it. */
import { accessSync, constants, statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { chooseIdMaps, type IdMaps } from '../ns/id-maps.ts';
import type { OwnerKind } from '../storage/layout.ts';

const known = new WeakMap<Host, IdMaps>();

/** The id maps of this user's containers; the choice is explained once, on stderr, where it is the lowest rung. */
export function idMapsFor(host: Host): IdMaps {
  const chosen = known.get(host);
  if (chosen) return chosen;
  const maps = chooseIdMaps({ uid: host.uid, gid: host.gid, find: (name) => findExecutable(host, name) });
  if (maps.notice) host.log.warn(maps.notice);
  known.set(host, maps);
  return maps;
}

export function ownerKindFor(maps: IdMaps): OwnerKind {
  return maps.kind === 'single' ? 's' : 'm';
}

/** An executable file called `name` in the caller's PATH. */
export function findExecutable(host: Host, name: string): string | undefined {
  const directories = (host.env.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(':').filter((path) => path !== '');
  return directories.map((directory) => `${directory}/${name}`).find(isExecutableFile);
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Delete trees that hold files of subordinate ids: rm(1) inside the user namespace. */
export async function removeTreeInside(host: Host, path: string): Promise<void> {
  const { startInside } = await import('../ns/inside.ts');
  const rm = findExecutable(host, 'rm') ?? '/bin/rm';

  const inside = await startInside({
    maps: idMapsFor(host),
    steps: [
      { kind: 'reset-signals' },
      { kind: 'close-descriptors', preserve: 0 },
      { kind: 'exec', args: [rm, '-rf', '--one-file-system', '--', path], env: [] },
    ],
  });
  const code = inside.wait();
  if (code !== 0) throw new CtrError('DENIED', `cannot delete ${path}: rm ended with ${code}`);
}
