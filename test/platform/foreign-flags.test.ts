/**
 * Every flag that the Podman and Docker of this machine list in --help is known here: it works, or it is refused with
 * the reason. Nobody is told "unknown flag" for what the other tool has.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect } from 'vitest';
import { findCommand } from '../../src/cli/dispatch.ts';
import type { FlagSet } from '../../src/cli/flag-set.ts';
import { refusalReasons } from '../../src/cli/flags/refusal-reasons.ts';
import { needs } from '../support/needs.ts';

const both = [
  ...['run', 'create', 'start', 'stop', 'restart', 'kill', 'rm', 'wait', 'pause', 'unpause', 'exec', 'attach', 'ps'],
  ...[
    'logs',
    'cp',
    'diff',
    'commit',
    'export',
    'import',
    'inspect',
    'top',
    'stats',
    'port',
    'rename',
    'events',
    'info',
  ],
  ...[
    'version',
    'container prune',
    'history',
    'images',
    'pull',
    'push',
    'rmi',
    'tag',
    'save',
    'load',
    'search',
    'login',
  ],
  ...['logout', 'volume create', 'volume ls', 'volume rm', 'volume inspect', 'volume prune', 'network create'],
  ...['network ls', 'network rm', 'network inspect', 'network connect', 'network disconnect', 'network prune'],
  ...['system df', 'system prune', 'image prune', 'image inspect', 'build'],
];
const commandsOf = {
  docker: [...both, 'update'],
  podman: [
    ...both,
    ...['container update', 'init', 'container clone', 'container exists', 'healthcheck run', 'mount', 'unmount'],
    ...['volume export', 'volume import', 'volume mount', 'network reload', 'network exists', 'secret create'],
    ...['secret ls', 'secret rm', 'secret inspect', 'unshare', 'image tree', 'image mount', 'image unmount'],
    ...['image diff', 'image exists', 'manifest create', 'manifest add', 'manifest annotate', 'manifest push'],
    ...['manifest inspect', 'manifest rm'],
  ],
} as const;

/** `-a, --all`, one or two columns in: long and short names without dashes. */
function flagsInHelp(tool: string, command: string): string[] {
  const help = execFileSync(tool, [...command.split(' '), '--help'], { encoding: 'utf8', timeout: 20_000 });
  return [...help.matchAll(/^\s+(?:-(\w), )?\s*--([a-z0-9][\w-]*)/gm)]
    .filter(([, , long]) => long !== 'help')
    .flatMap(([, short, long]) => [short, long].filter((name) => name !== undefined));
}

async function knownFlags(command: string): Promise<ReadonlySet<string>> {
  const found =
    (await findCommand(command.split(' '))) ?? (await findCommand(command.replace('container ', '').split(' ')));
  if (!found) throw new Error(`there is no command ${command}`);
  // -D is ctr's own with every command (--debug), as in Docker.
  const names = new Set(['D', ...Object.keys(refusalReasons[found.entry.name] ?? {})]);
  const add = (flags: string) => {
    for (const word of flags.split(/[ ,]+/)) if (word.startsWith('-')) names.add(word.replace(/^-+/, ''));
    return recorder;
  };
  const recorder: FlagSet = { option: add, hidden: add, optionsGroup: () => recorder };
  (await found.entry.load()).command.declare?.(recorder);
  return names;
}

describe('flags of other tools [P]', () => {
  for (const tool of ['podman', 'docker'] as const) {
    needs(tool)(`ctr knows or refuses every flag of ${tool}`, async () => {
      const unknown: string[] = [];
      let seen = 0;
      for (const command of commandsOf[tool]) {
        const known = await knownFlags(command);
        const flags = flagsInHelp(tool, command);
        seen += flags.length;
        unknown.push(...flags.filter((name) => !known.has(name)).map((name) => `${command}: ${name}`));
      }
      expect(unknown).toEqual([]);
      expect(seen).toBeGreaterThan(300);
    });
  }
});
