/** `ctr build --check`, and builds that its findings stop (docs/build.md "Checks"). */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
  await bed.ctr('pull', '-q', bed.image('busybox'));
});
afterAll(() => bed?.close());

function context(name: string, files: Readonly<Record<string, string>>): string {
  const directory = bed.directory(name);
  for (const [path, content] of Object.entries(files)) writeFileSync(`${directory}/${path}`, content);
  return directory;
}

describe('ctr build --check [E]', () => {
  promise('shows what it finds, builds nothing, and ends with 1', async () => {
    const directory = context('found', { Dockerfile: 'FROM scratch\nMAINTAINER me\nCMD run it\n' });
    const { code, stdout } = await bed.ctr('build', '--check', '-t', 'localhost/checked', directory);
    expect(stdout).toContain('Dockerfile:2: MaintainerDeprecated: ');
    expect(stdout).toContain('  3 | CMD run it\n    | ^^^^^^^^^^\n');
    expect(stdout).toContain('Check complete, 2 warnings have been found!\n');
    expect(code).toBe(1);
    expect((await bed.ctr('images', '-q', 'localhost/checked')).stdout).toBe('');
  });

  promise('knows the variables of a base image that is stored, and the ignore file', async () => {
    const dockerfile = `# check=experimental=all\nFROM ${bed.image('busybox')}\nENV A=$PATH B=$NOPE\nCOPY hidden /\n`;
    const directory = context('known', { Dockerfile: dockerfile, '.dockerignore': 'hidden\n', hidden: '' });
    const { stdout } = await bed.ctr('build', '--check', directory);
    expect(stdout.match(/^Dockerfile:\d+: \w+/gm)).toEqual([
      'Dockerfile:3: UndefinedVar',
      'Dockerfile:4: CopyIgnoredFile',
    ]);
  });

  promise('is content with a good file', async () => {
    const directory = context('good', { Dockerfile: 'FROM scratch\nCMD ["x"]\n' });
    expect(await bed.ctr('build', '--check', directory)).toMatchObject({
      code: 0,
      stdout: 'Check complete, no warnings found.\n',
    });
  });

  promise('stops a build whose Dockerfile says error=true', async () => {
    const directory = context('fatal', { Dockerfile: '# check=error=true\nFROM scratch\nMAINTAINER me\n' });
    const outcome = await bed.ctr('build', directory);
    expect(outcome).toMatchObject({ code: 125, stderr: expect.stringContaining('check=error=true') });
    expect(await bed.ctr('build', '-q', '--build-arg', 'BUILDKIT_DOCKERFILE_CHECK=skip=all', directory)).toMatchObject({
      code: 0,
    });
  });
});
