/** Which containers a command means: names and IDs, --all, --latest, --cidfile, --filter; and one action for each. */

import { readFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { containerFilter, filterKeys } from '../engine/container-filters.ts';
import { type ContainerEntry, listContainerEntries } from '../engine/container-list.ts';
import { newestContainer } from '../engine/newest-container.ts';
import { type ContainerRecord, findContainerId, resolveContainer } from '../storage/container-store.ts';
import { collect } from './command.ts';
import type { Context } from './context.ts';
import { parseFilters } from './filter.ts';
import type { FlagSet } from './flag-set.ts';

export interface SelectionFlags {
  readonly all?: boolean;
  readonly latest?: boolean;
  readonly cidfile?: readonly string[];
  readonly filter?: readonly string[];
  /** What is not there is no error. */
  readonly ignore?: boolean;
}

export interface Selected {
  /** As the user wrote it, or the ID. */
  readonly shown: string;
  readonly id: string;
}

/** What all these commands take; `taken` are the letters that mean something else to this one (-a, -f). */
export function addSelectionFlags(command: FlagSet, all: string, taken = ''): FlagSet {
  const named = (letter: string, name: string) => (taken.includes(letter) ? `--${name}` : `-${letter}, --${name}`);
  return command
    .option(named('a', 'all'), all)
    .option('-l, --latest', 'the container that was made last')
    .option(`${named('f', 'filter')} <key=value>`, 'all for which this holds; see `ps`', collect, []);
}

export function addCidFileFlag(command: FlagSet): FlagSet {
  return command.option('--cidfile <file>', 'read the ID from a file', collect, []);
}

/** `candidates`: which containers --all and --filter choose from. Throws when nothing was given. */
export function selectContainers(
  context: Context,
  words: readonly string[],
  flags: SelectionFlags,
  candidates: (entry: ContainerEntry) => boolean = () => true,
): { readonly selected: readonly Selected[]; readonly missing: readonly CtrError[] } {
  const { host } = context;
  const filter = flags.filter ?? [];
  if ((flags.all || flags.latest) && words.length > 0) {
    throw new CtrError('USAGE', `${flags.all ? '--all' : '--latest'} cannot be combined with names`);
  }
  if (flags.all || filter.length > 0) {
    const matches = containerFilter(host, parseFilters(filter, filterKeys));
    const { entries } = listContainerEntries(host, { all: true });
    const chosen = entries.filter((entry) => candidates(entry) && matches(entry));
    return { selected: chosen.map(({ container }) => ({ shown: container.id, id: container.id })), missing: [] };
  }
  if (flags.latest) {
    const { id } = newestContainer(host);
    return { selected: [{ shown: id, id }], missing: [] };
  }
  const names = [...words, ...(flags.cidfile ?? []).map((path) => readCidFile(path, flags.ignore ?? false))];
  if (names.length === 0) throw new CtrError('USAGE', 'you must provide at least one name or id');
  const found = names.filter((name) => name !== '').map((name) => find(context, name));
  return {
    selected: found.flatMap((each) => (each instanceof CtrError ? [] : [each])),
    missing: flags.ignore ? [] : found.filter((each) => each instanceof CtrError),
  };
}

/** Do `action` for each; errors are reported as they come and hinder no other. Returns the exit code of the worst. */
export async function forEachContainer(
  context: Context,
  { selected, missing }: ReturnType<typeof selectContainers>,
  action: (selected: Selected) => void | Promise<void>,
): Promise<number> {
  const errors: unknown[] = [...missing];
  for (const each of selected) {
    try {
      await action(each);
    } catch (error) {
      errors.push(error);
    }
  }
  return reportAll(context, errors);
}

/** Returns the highest exit code of the errors; 0 without any. */
export async function reportAll(context: Context, errors: readonly unknown[]): Promise<number> {
  if (errors.length === 0) return 0;
  const { reportError } = await import('./report-error.ts');
  return Math.max(...errors.map((error) => reportError(error, context)));
}

function find({ host }: Context, name: string): Selected | CtrError {
  const id = findContainerId(host, name);
  if (id !== undefined) return { shown: name, id };
  return new CtrError('NOT_FOUND', `no container with name or ID "${name}" found: no such container`, {
    hint: '`ctr ps -a` lists all containers',
  });
}

/** Of commands that look at containers and change none: those that are named, or the newest. Throws without either. */
export function namedContainers(
  { host }: Context,
  names: readonly string[],
  { latest }: { readonly latest?: boolean },
): ContainerRecord[] {
  if (latest && names.length > 0) throw new CtrError('USAGE', '--latest cannot be combined with names');
  if (latest) return [newestContainer(host)];
  if (names.length === 0) throw new CtrError('USAGE', 'you must provide at least one name or id');
  return names.map((name) => resolveContainer(host, name));
}

function readCidFile(path: string, ignore: boolean): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    if (ignore) return '';
    throw new CtrError('NOT_FOUND', `--cidfile ${path}: cannot be read`, { cause });
  }
}
