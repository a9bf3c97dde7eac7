/** SIGKILL at any moment, for ctr, supervisor, first process, everything: the next command goes on as if nothing was. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';
import { killProcessesOf } from '../support/user.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed({ images: ['busybox'] });
  await bed.ctr('pull', bed.image('busybox'));
});
afterEach(async () => {
  await bed.ctr('rm', '-f', '-t', '0', '--all', '--depend');
});
afterAll(() => bed?.close());

const promise = needs('root', 'registry', 'skopeo', 'busybox', 'subordinate-ids');
const make = (verb: 'run' | 'create', name: string, ...flags: readonly string[]) => [
  ...[verb, ...(verb === 'run' ? ['-d'] : []), '--name', name, '--network', 'none', ...flags],
  ...[bed.image('busybox'), 'sleep', '600'],
];
const field = async (name: string, template: string) =>
  (await bed.ctr('ps', '-a', '--filter', `name=^${name}$`, '--format', template)).stdout.trim();
const withComm = (comm: string) =>
  bed.processes().find((pid) => readFileSync(`/proc/${pid}/comm`, 'latin1').trim() === comm);
function shoot(comm: string): void {
  const pid = withComm(comm);
  // kill(2): 0 would mean this very process group.
  if (pid === undefined) throw new Error(`no process is called ${comm}`);
  process.kill(pid, 'SIGKILL');
}

/** Nothing of any container is left: no process, no mount, no directory, no name. */
async function expectNothingLeft(): Promise<void> {
  expect(await bed.ctr('ps', '-a')).toMatchObject({ code: 0, stderr: '' });
  expect(await bed.ctr('rm', '-f', '-t', '0', '--all', '--depend')).toMatchObject({ code: 0, stderr: '' });
  await until('all processes to be gone', () => bed.processes().length === 0);
  expect(bed.mounts()).toEqual([]);
  expect(readdirSync(`${bed.dataRoot}/containers`)).toEqual([]);
  expect(readdirSync(`${bed.env.XDG_RUNTIME_DIR}/ctr/containers`)).toEqual([]);
}

/** Run `ctr ARGS` and kill it after `delayMs`, wherever it is then. */
async function killedAfter(delayMs: number, args: readonly string[]): Promise<void> {
  const running = bed.start(...args);
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  running.child.kill('SIGKILL');
  await running.ended;
}

/**
 * Random moments from "Node is not up yet" to "it is done", on a quiet machine and on a busy one; 52 in the four tests
 * together. CTR_FAULT_SEED repeats a round, CTR_FAULT_MOMENTS makes it longer.
 */
const seed = Number(process.env.CTR_FAULT_SEED ?? Date.now() % 1_000_000);
const moments = Array.from({ length: Number(process.env.CTR_FAULT_MOMENTS ?? 13) }, (_, index) => {
  const [number] = new Uint32Array(createHash('sha256').update(`${seed} ${index}`).digest().buffer);
  return 5 + ((number ?? 0) % 250);
});

describe(`ctr is killed, CTR_FAULT_SEED=${seed} [E]`, () => {
  promise(
    'while it creates and starts a container: the name can be used again, and all of it can be removed',
    async () => {
      for (const delayMs of moments) {
        await killedAfter(delayMs, make('run', 'victim'));
        expect(await bed.ctr(...make('create', 'victim', '--replace'))).toMatchObject({ code: 0 });
      }
      await expectNothingLeft();
    },
  );

  promise('while it starts a container: it runs or it does not, and can be started or is', async () => {
    await bed.ctr(...make('create', 'victim'));
    for (const delayMs of moments) {
      await killedAfter(delayMs, ['start', 'victim']);
      expect(await bed.ctr('start', 'victim')).toMatchObject({ code: 0, stderr: '' });
      expect(await field('victim', '{{.State}}')).toBe('running');
      expect(await bed.ctr('stop', '-t', '0', 'victim')).toMatchObject({ code: 0 });
    }
    await expectNothingLeft();
  });

  promise('while it stops a container: it can be stopped again, and started', async () => {
    await bed.ctr(...make('create', 'victim'));
    for (const delayMs of moments) {
      await bed.ctr('start', 'victim');
      await killedAfter(delayMs, ['stop', 'victim']);
      expect(await bed.ctr('stop', 'victim')).toMatchObject({ code: 0 });
      expect(await field('victim', '{{.State}}')).toBe('exited');
    }
    await expectNothingLeft();
  });

  promise('while it removes a container: the container is there, whole, or it is gone', async () => {
    for (const delayMs of moments) {
      await bed.ctr(...make('run', 'victim', '--replace'));
      await killedAfter(delayMs, ['rm', '-f', 'victim']);
      const { stdout } = await bed.ctr('ps', '-a', '--format', '{{.Names}}');
      expect(['', 'victim\n']).toContain(stdout);
    }
    await expectNothingLeft();
  });
});

describe('the container is killed [E]', () => {
  promise('its supervisor: the command runs on, `stop` ends it, the exit code is told as unknown', async () => {
    await bed.ctr(...make('run', 'orphan'));
    shoot('ctr-supervise');
    await until('its death', () => withComm('ctr-supervise') === undefined);
    expect(await field('orphan', '{{.State}}')).toBe('running');
    expect(await bed.ctr('stop', '-t', '0', 'orphan')).toMatchObject({ code: 0 });
    expect(await field('orphan', '{{.State}} {{.ExitCode}}')).toBe('exited 137');
    expect(await bed.ctr('start', 'orphan')).toMatchObject({ code: 0 });
    await expectNothingLeft();
  });

  promise('its first process: exited with 137', async () => {
    await bed.ctr(...make('run', 'shot'));
    shoot('sleep');
    expect(await bed.ctr('wait', 'shot')).toMatchObject({ stdout: '137\n' });
    expect(await field('shot', '{{.State}}')).toBe('exited');
    await expectNothingLeft();
  });

  promise('everything at once, as at a power cut: all have exited, all can be started again', async () => {
    for (const name of ['one', 'two', 'three']) await bed.ctr(...make('run', name));
    killProcessesOf(bed.user);
    await until('their death', () => bed.processes().length === 0);
    for (const name of ['one', 'two', 'three']) expect(await field(name, '{{.State}}')).toBe('exited');
    expect(await bed.ctr('start', 'one', 'two', 'three')).toMatchObject({ code: 0 });
    expect(await field('two', '{{.State}}')).toBe('running');
    await expectNothingLeft();
  });

  promise('and its runtime directory is lost, as after a reboot: it has exited, and starts again', async () => {
    await bed.ctr(...make('run', 'survivor'));
    killProcessesOf(bed.user);
    await until('its death', () => bed.processes().length === 0);
    await bed.sh('rm -rf "$XDG_RUNTIME_DIR/ctr"');
    expect(await field('survivor', '{{.State}}')).toBe('exited');
    expect(await bed.ctr('start', 'survivor')).toMatchObject({ code: 0 });
    await expectNothingLeft();
  });
});
