/** Secrets: in the container as asked for, and nowhere else. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const value = 'correct horse battery staple';
const run = (flags: readonly string[], script: string) =>
  bed.ctr('run', '-q', '--network', 'none', ...flags, bed.image('busybox'), 'sh', '-c', script);

describe('secret [E] podman-secret(1)', () => {
  promise('is a read-only file of the wanted user and mode', async () => {
    await bed.sh(`printf %s '${value}' | ctr secret create --replace token -`);
    const script =
      'stat -c "%u %g %a" /run/secrets/token; cat /run/secrets/token; echo x 2>&- > /run/secrets/token || echo kept';
    const { stdout } = await run(['--rm', '--secret', 'token,uid=33,gid=34,mode=0400'], script);
    expect(stdout).toBe(`33 34 400\n${value}kept\n`);
  });

  promise('is a variable that no file of the store holds', async () => {
    await bed.sh(`printf %s '${value}' | ctr secret create --replace token -`);
    const { stdout } = await run(['--name', 'env', '--secret', 'token,type=env,target=TOKEN'], 'echo "$TOKEN"');
    const found = await bed.sh(`grep -rl '${value}' ${bed.dataRoot}/containers --include=*.json; true`);
    await bed.ctr('rm', 'env');
    expect({ stdout, found: found.stdout }).toEqual({ stdout: `${value}\n`, found: '' });
  });

  promise('is listed and inspected without what it keeps', async () => {
    await bed.sh(`printf %s '${value}' | ctr secret create --replace token -`);
    const [listed, inspected] = [await bed.ctr('secret', 'ls'), await bed.ctr('secret', 'inspect', 'token')];
    expect(listed.stdout).toContain('token');
    expect(`${listed.stdout}${inspected.stdout}`).not.toContain(value);
  });

  promise('is refused by name when it is not there', async () => {
    const outcome = await run(['--rm', '--secret', 'nobody'], 'true');
    expect(outcome).toMatchObject({ code: 125, stderr: expect.stringContaining('no such secret: nobody') });
  });

  promise('is kept where only the user can read it', async () => {
    await bed.sh(`printf %s '${value}' | ctr secret create --replace token -`);
    const modes = await bed.sh(`stat -c %a ${bed.dataRoot}/secrets ${bed.dataRoot}/secrets/*`);
    expect(modes.stdout).toBe('700\n600\n');
  });
});
