/** The npm API as a program uses it: every example of docs/api.md is type-checked and run by an unprivileged user. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

const repository = join(import.meta.dirname, '../..');
const page = readFileSync(join(repository, 'docs/api.md'), 'utf8');
const examples = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? '');

let bed: Bed;
let install = '';
beforeAll(async () => {
  bed = await openBed({ images: ['busybox'] });
  install = bed.env.PATH?.split(':')[0]?.replace(/\/bin$/, '') ?? '';
  await bed.sh(`mkdir -p app/node_modules && ln -s ${install} app/node_modules/ctr`);
});
afterAll(() => bed?.close());

const write = (name: string, text: string) =>
  bed.file(`app/${name}`, text.replaceAll('debian:bookworm', bed.image('busybox')));
const node = (file: string) =>
  bed.sh(`${install}/node_modules/node-linux-*/bin/node ${file}`, { cwd: `${bed.home}/app` });

describe('the npm API [E]', () => {
  const test = needs('registry', 'skopeo', 'busybox');

  for (const [index, text] of examples.entries()) {
    test(`example ${index} of docs/api.md does what it says`, async () => {
      expect(await node(write(`example${index}.mts`, text))).toMatchObject({ code: 0, stderr: '' });
    });
  }

  test('the examples have the types that they use', () => {
    const files = examples.map((text, index) => write(`typed${index}.mts`, text));
    const options = [
      '--noEmit',
      '--strict',
      '--target',
      'es2024',
      '--lib',
      'es2024,esnext.disposable',
      '--skipLibCheck',
    ];
    const where = ['--module', 'nodenext', '--types', 'node', '--typeRoots', `${repository}/node_modules/@types`];
    const tsc = `${repository}/node_modules/.bin/tsc`;
    const { stdout } = spawnSync(tsc, [...options, ...where, ...files], { cwd: `${bed.home}/app`, encoding: 'utf8' });
    expect(stdout).toBe('');
  });

  test('a failure of ctr is told apart from a container that ends with the same code', async () => {
    const file = write(
      'codes.mts',
      `import { run } from 'ctr';
       const own = await run('debian:bookworm', ['sh', '-c', 'echo ctr: no >&2; exit 125']);
       const failed = await run('127.0.0.1:1/nothing', [], { pull: 'never' }).catch(({ code }) => code);
       console.log(own.exitCode, own.stderr.trim(), failed);`,
    );
    expect(await node(file)).toMatchObject({ code: 0, stdout: '125 ctr: no NOT_FOUND\n', stderr: '' });
  });

  test('a container that lives on keeps nothing of its caller open', async () => {
    const file = write(
      'leave.mts',
      `import { start } from 'ctr';
       const { id } = await start('debian:bookworm', ['sleep', '1000'], { name: 'left' });
       console.log(id.length);`,
    );
    expect(await node(file)).toMatchObject({ code: 0, stdout: '64\n', stderr: '' });
    expect((await bed.ctr('rm', '-f', '-t', '0', 'left')).code).toBe(0);
  });
});
