/** What is compared: each case names its subjects, ctr first; they run in turns on the same machine and minute. */
import type { Registry } from '../test/support/registry.ts';
import { buildCases } from './build-cases.ts';
import { changeCases } from './change-cases.ts';
import { imageCases } from './image-cases.ts';
import type { Subject } from './measure.ts';
import { networkCases } from './network-cases.ts';

/** What a command found out itself: taken in place of its time; more is better. */
export interface Rate {
  readonly unit: string;
  readonly of: (stdout: string) => number;
}

export interface Case {
  readonly name: string;
  readonly rounds: number;
  /** How many are started at once; the time is that until the last has ended. */
  readonly parallel?: number;
  /** Also take the peak of memory, in a round of its own. */
  readonly memory?: boolean;
  /** Empty the kernel's caches before each (root only, `--cold`). */
  readonly cold?: boolean;
  readonly rate?: Rate;
  readonly subjects: readonly Subject[];
}

export interface Things {
  readonly ctr: string;
  readonly node: string;
  readonly bundle: string;
  readonly small: string;
  readonly large: string;
  /** nginx and iperf3. */
  readonly web: string;
  /** An archive of 500 images. */
  readonly many: string;
  /** Empty; for pushing. */
  readonly target: Registry;
}

export function casesFor(things: Things): Case[] {
  const ctr = (...args: string[]) => ({ label: 'ctr', argv: [things.ctr, ...args] });
  const podman = (...args: string[]) => ({ label: 'podman', argv: ['podman', ...args] });
  const none = ['run', '--rm', '--network', 'none', things.small, 'true'];
  const start: readonly Subject[] = [
    ctr(...none),
    podman(...none),
    { label: 'crun', argv: ['crun', '--cgroup-manager=disabled', 'run', '--bundle', things.bundle, 'bench'] },
    { label: 'node -e 0', argv: [things.node, '-e', '0'] },
  ];
  return [
    { name: 'run, no network', rounds: 15, subjects: start },
    { name: 'run, no network, cold caches', rounds: 5, cold: true, subjects: start },
    {
      name: 'run, user-mode network',
      rounds: 9,
      subjects: [
        ctr('run', '--rm', '--network', 'pasta', things.small, 'true'),
        podman('run', '--rm', '--network', 'slirp4netns', things.small, 'true'),
      ],
    },
    { name: '16 runs at once, no network', rounds: 3, parallel: 16, subjects: [ctr(...none), podman(...none)] },
    ...lifeCases(things),
    ...imageCases(things),
    ...changeCases(things),
    ...networkCases(things),
    ...buildCases(things),
  ];
}

/** Containers that live on: `run -d`, `exec`, and a list of many. */
function lifeCases({ ctr, small }: Things): Case[] {
  const tools = [
    { label: 'ctr', program: ctr },
    { label: 'podman', program: 'podman' },
  ];
  const none = ['--network', 'none', small];
  const removal = (program: string) => [program, 'rm', '-f', '-t', '0', 'bench'];
  return [
    {
      name: 'run -d, no network',
      rounds: 9,
      subjects: tools.map(({ label, program }) => ({
        label,
        argv: [program, 'run', '-d', '--name', 'bench', ...none, 'sleep', '600'],
        reset: removal(program),
      })),
    },
    {
      name: 'exec true',
      rounds: 15,
      subjects: tools.map(({ label, program }) => ({
        label,
        argv: [program, 'exec', 'bench', 'true'],
        prepare: [program, 'run', '-d', '--name', 'bench', ...none, 'sleep', '600'],
        finish: removal(program),
      })),
    },
    {
      name: 'ps of 1,000 created',
      rounds: 9,
      subjects: tools.map(({ label, program }) => ({
        label,
        argv: [program, 'ps', '-a'],
        prepare: ['sh', '-c', `for i in $(seq 1000); do ${[program, 'create', ...none].join(' ')} || exit 1; done`],
        finish: [program, 'rm', '-f', '--all'],
      })),
    },
  ];
}
