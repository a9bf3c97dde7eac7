/** The sessions of the pages about images are typed here, in their order, with the local registry in place of docker.io. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { patternOf, shownCommands } from '../support/console-blocks.ts';
import { needs } from '../support/needs.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');

describe('docs/images.md [E]', () => {
  promise('shows commands, and each works', async () => {
    const commands = shownCommands(readFileSync(join(import.meta.dirname, '../../docs/images.md'), 'utf8'));
    expect(commands.length).toBeGreaterThan(10);
    for (const { line, command, output } of commands) {
      const typed = command.replace(/\bbusybox\b(?!\.tar)/, bed.image('busybox'));
      const { code, stdout } = await bed.sh(`{ ${typed}\n} 2>&1`);
      const seen = { line, typed, code, stdout };
      expect(seen).toMatchObject({ code: 0 });
      if (output.length > 0) expect(seen).toMatchObject({ stdout: expect.stringMatching(patternOf(output)) });
    }
  });
});
