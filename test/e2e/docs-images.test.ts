/** The sessions of the pages about images are typed here, in their order, with local registries in place of those shown. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { patternOf, shownCommands } from '../support/console-blocks.ts';
import { missing, needs } from '../support/needs.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

let bed: Bed;
let secured: Registry | undefined;
beforeAll(async () => {
  bed = await openBed();
  if (missing('registry', 'openssl', 'htpasswd') === undefined) {
    secured = await startRegistry({ tls: true, htpasswd: { me: 'secret' } });
  }
});
afterAll(async () => {
  await bed?.close();
  await secured?.stop();
});

const page = (name: string) => readFileSync(join(import.meta.dirname, `../../docs/${name}.md`), 'utf8');
/** `busybox` alone is the test's image; the two registries of the examples are real ones. */
const real = (text: string) =>
  text
    .replace(/(?<![/\w.:-])busybox\b(?!\.tar)/, bed.image('busybox'))
    .replaceAll('localhost:5000', bed.registryHost)
    .replaceAll('registry.example', secured?.host ?? 'registry.example');

async function type(name: string): Promise<number> {
  const commands = shownCommands(page(name));
  for (const { line, command, output } of commands) {
    const typed = real(command);
    const { code, stdout } = await bed.sh(`{ ${typed}\n} 2>&1`);
    const seen = { line, typed, code, stdout };
    expect(seen).toMatchObject({ code: 0 });
    if (output.length > 0) expect(seen).toMatchObject({ stdout: expect.stringMatching(patternOf(output.map(real))) });
  }
  return commands.length;
}

describe('docs/ about images [E]', () => {
  needs(
    'registry',
    'skopeo',
    'busybox',
    'subordinate-ids',
  )('images.md shows what happens', async () => {
    expect(await type('images')).toBeGreaterThan(10);
  });

  needs(
    'registry',
    'skopeo',
    'busybox',
    'subordinate-ids',
    'openssl',
    'htpasswd',
  )('registries.md shows what happens', async () => {
    const [, conf = ''] = /```toml\n([^`]*)```/.exec(page('registries')) ?? [];
    bed.directory('.config/containers/registries.conf.d');
    bed.file('.config/containers/registries.conf.d/docs.conf', real(conf));
    bed.file('ca.crt', readFileSync(secured?.caFile ?? ''));
    bed.file('password', 'secret\n');
    expect(await type('registries')).toBeGreaterThan(20);
  });
});
