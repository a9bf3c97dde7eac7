import { CtrError } from '../base/ctr-error.ts';
import { diffContainer } from '../engine/diff-container.ts';
import { newestContainer } from '../engine/newest-container.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import { flagError } from './flags/flag-error.ts';

interface DiffFlags {
  readonly format?: string;
  readonly latest?: boolean;
}

const members = { A: 'added', C: 'changed', D: 'deleted' } as const;

export const command: CommandSpec<DiffFlags> = {
  usage: '[options] CONTAINER',
  description: 'Shows what a container added (A), changed (C) and deleted (D) in its file system.',
  examples: ['diff web', 'diff --format json web'],
  operands: [0, 1],
  declare(command) {
    command.option('--format <format>', 'json').option('-l, --latest', 'the newest container; no CONTAINER is given');
  },
  async run({ host, stdout }, [name], { format, latest }) {
    if ((name === undefined) !== (latest === true)) throw new CtrError('USAGE', 'give one container, or --latest');
    if (format !== undefined && format !== 'json') throw flagError('--format', format, 'want json');
    const changes = await diffContainer(
      host,
      name === undefined ? newestContainer(host) : resolveContainer(host, name),
    );
    if (format === undefined) stdout.write(changes.map(({ kind, path }) => `${kind} ${path}\n`).join(''));
    else stdout.write(`${JSON.stringify(byKind(changes), null, 4)}\n`);
    return 0;
  },
};

/** podman-diff(1): {"changed": [...], "added": [...], "deleted": [...]}, each only where there is any. */
function byKind(changes: Awaited<ReturnType<typeof diffContainer>>): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const { kind, path } of changes) lists[members[kind]] = [...(lists[members[kind]] ?? []), path];
  return lists;
}
