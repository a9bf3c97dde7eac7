/** Who may run ctr, and where: users without ranges, without newuidmap, root, inside podman, inside ctr. */
import { afterEach, describe, expect } from 'vitest';
import { type Bed, type BedOptions, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed | undefined;
afterEach(async () => {
  await bed?.close();
  bed = undefined;
});

async function work(options: BedOptions): Promise<Bed> {
  bed = await openBed(options);
  return bed;
}

const promise = needs('root', 'registry', 'skopeo', 'busybox');
const run = (at: Bed, ...args: readonly string[]) => at.ctr('run', '--rm', '--network', 'none', ...args);

describe('single-id mode [E]', () => {
  promise('runs for a user without entries in /etc/subuid, with one notice', async () => {
    const at = await work({ ranges: false });
    const first = await run(at, '-q', at.image('busybox'), 'id', '-u');
    expect(first).toMatchObject({ code: 0, stdout: '0\n' });
    expect(first.stderr.split('\n').filter((line) => /subuid|single/i.test(line))).toHaveLength(1);
  });

  promise('runs where newuidmap is not installed', async () => {
    const at = await work({});
    const path = at.directory('bin');
    await at.sh(`for p in sh cat ls id; do ln -s /bin/$p ${path}/$p; done`);
    const env = { PATH: `${at.env.PATH?.split(':')[0]}:${path}` };
    const outcome = await at.ctrWith(
      { env },
      'run',
      '--rm',
      '-q',
      '--network',
      'none',
      at.image('busybox'),
      'id',
      '-u',
    );
    expect(outcome).toMatchObject({ code: 0, stdout: '0\n' });
    expect(outcome.stderr).toContain('newuidmap');
  });

  promise('lets chown and a change of user succeed, as package managers need', async () => {
    const at = await work({ ranges: false });
    const outcome = await run(
      at,
      '-q',
      at.image('busybox'),
      'sh',
      '-c',
      'touch /tmp/a && chown 33:33 /tmp/a && echo done',
    );
    expect(outcome).toMatchObject({ code: 0, stdout: 'done\n' });
  });
});

describe('as root [E]', () => {
  promise('runs in a user namespace all the same', async () => {
    const at = await work({ asCaller: true });
    const outcome = await run(at, at.image('busybox'), 'sh', '-c', 'id -u; cat /proc/self/uid_map');
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout.startsWith('0\n')).toBe(true);
  });
});

describe('nested [E]', () => {
  const nested = needs('root', 'registry', 'skopeo', 'busybox', 'podman', 'mmdebstrap');

  nested('runs inside podman run --privileged', async () => {
    const at = await work({ images: ['busybox', 'debian'], podman: true });
    const inside = 'ctr run --rm -q --network none "$0" echo nested';
    const volume = `${at.env.PATH?.split('/bin:')[0]}:/opt/ctr:ro`;
    const flags = ['--privileged', '--network', 'host', '-v', volume, '-e', 'PATH=/opt/ctr/bin:/usr/bin:/bin'];
    const config = ['-v', `${at.home}/.config:/root/.config:ro`];
    const command = [at.image('debian'), 'sh', '-c', inside, at.image('busybox')];
    const outcome = await at.podman('run', '--rm', '--quiet', ...flags, ...config, ...command);
    expect(outcome).toMatchObject({ code: 0, stdout: 'nested\n' });
  });

  nested('runs inside ctr run', async () => {
    const at = await work({ images: ['busybox', 'debian'] });
    const inside = 'ctr run --rm -q --network none "$0" echo nested';
    const volume = `${at.env.PATH?.split('/bin:')[0]}:/opt/ctr:ro`;
    const flags = ['--privileged', '--network', 'host', '-v', volume, '-e', 'PATH=/opt/ctr/bin:/usr/bin:/bin'];
    const config = ['-v', `${at.home}/.config:/root/.config:ro`];
    const command = [at.image('debian'), 'sh', '-c', inside, at.image('busybox')];
    const outcome = await at.ctr('run', '--rm', '--quiet', ...flags, ...config, ...command);
    expect(outcome).toMatchObject({ code: 0, stdout: 'nested\n' });
  });
});

describe('the caller’s umask [E]', () => {
  promise('changes nothing of what a container sees', async () => {
    const at = await work({});
    await at.ctr('pull', '-q', at.image('busybox'));
    const words = `ctr run --rm --network none -u 33 -v kept:/kept ${at.image('busybox')}`;
    const seen = await at.sh(`umask 077; ${words} sh -c 'cat /etc/hostname; stat -c %a / /etc/hosts /kept; umask'`);
    expect(seen.stdout).toMatch(/^\w+\n755\n644\n755\n0022\n$/);
  });
});
