/** --privileged, --cap-add, --cap-drop, --security-opt. */

import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { SecurityRequest } from '../../engine/run-request.ts';
import { normalizeCapability } from '../../linux/capabilities.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';

export interface SecurityOptions {
  readonly privileged?: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly securityOpt: readonly string[];
}

export interface Security {
  readonly security: SecurityRequest;
  readonly notices: readonly string[];
}

export function addSecurityFlags(command: FlagSet): void {
  command
    .optionsGroup('Security:')
    .option('--privileged', 'all capabilities, all devices that you can open, no masked paths, no seccomp')
    .option('--cap-add <name>', 'add a capability, or ALL', collect, [])
    .option('--cap-drop <name>', 'drop a capability, or ALL', collect, [])
    .option(
      '--security-opt <option>',
      'no-new-privileges, seccomp=FILE|unconfined, mask=PATHS, unmask=PATHS|ALL, proc-opts=OPTIONS',
      collect,
      [],
    );
}

export function parseSecurity(options: SecurityOptions, cwd: string): Security {
  const parsed = { noNewPrivileges: false, mask: [], unmask: [], procOptions: [], notices: [] } as Draft;
  for (const word of options.securityOpt) applySecurityOpt(parsed, word, cwd);
  const { notices, ...security } = parsed;
  return {
    security: {
      privileged: options.privileged ?? false,
      capAdd: parseCapabilities(options.capAdd),
      capDrop: parseCapabilities(options.capDrop),
      ...security,
    },
    notices,
  };
}

interface Draft {
  noNewPrivileges: boolean;
  seccomp?: string;
  readonly mask: string[];
  readonly unmask: string[];
  readonly procOptions: string[];
  readonly notices: string[];
}

/** One `--security-opt`: `name`, `name=value`, or Docker's old `name:value`. */
function applySecurityOpt(draft: Draft, word: string, cwd: string): void {
  const [, name = '', value = ''] = /^([a-z-]+)(?:[=:](.*))?$/s.exec(word) ?? [];
  switch (name) {
    case 'no-new-privileges':
      if (!['', 'true', 'false'].includes(value)) throw flagError('--security-opt', word, 'want true or false');
      draft.noNewPrivileges = value !== 'false';
      return;
    case 'seccomp':
      if (value === '') throw flagError('--security-opt', word, 'want seccomp=FILE or seccomp=unconfined');
      draft.seccomp = value === 'unconfined' ? value : resolve(cwd, value);
      return;
    case 'mask':
      draft.mask.push(...pathsOf(word, value));
      return;
    case 'unmask':
      draft.unmask.push(...(value.toUpperCase() === 'ALL' ? ['ALL'] : pathsOf(word, value)));
      return;
    case 'systempaths':
      if (value !== 'unconfined') throw flagError('--security-opt', word, 'want systempaths=unconfined');
      draft.unmask.push('ALL');
      return;
    case 'proc-opts':
      draft.procOptions.push(...value.split(',').filter((one) => one !== ''));
      return;
    case 'label':
      if (value !== 'disable' && value !== 'nested') draft.notices.push(`${word}: no SELinux label is set by ctr`);
      return;
    case 'apparmor':
      if (value === 'unconfined') return;
      throw new CtrError(
        'UNSUPPORTED',
        `--security-opt ${word}: an unprivileged user cannot choose an AppArmor profile`,
      );
    default:
      throw flagError(
        '--security-opt',
        word,
        'want no-new-privileges, seccomp=, mask=, unmask=, proc-opts=, label= or apparmor=',
      );
  }
}

function pathsOf(word: string, value: string): string[] {
  const paths = value.split(':');
  if (!paths.every((path) => path.startsWith('/'))) {
    throw flagError('--security-opt', word, 'want absolute paths, separated by colons');
  }
  return paths;
}

const parseCapabilities = (words: readonly string[]): string[] =>
  words
    .flatMap((word) => word.split(','))
    .map((word) => (word.toUpperCase() === 'ALL' ? 'ALL' : normalizeCapability(word)));
