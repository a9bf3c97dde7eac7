/** The sessions shown in docs/ are typed here, page by page, in their order, and show what the page says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { openBed } from '../support/bed.ts';
import { patternOf, shownCommands } from '../support/console-blocks.ts';
import { needs } from '../support/needs.ts';

const pages = ['lifecycle', 'logs', 'health', 'userns', 'volumes'];
const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');

describe('docs/ [E]', () => {
  for (const page of pages) {
    promise(`${page}.md shows what happens`, async () => {
      const commands = shownCommands(readFileSync(join(import.meta.dirname, `../../docs/${page}.md`), 'utf8'));
      expect(commands.length).toBeGreaterThanOrEqual(3);
      const bed = await openBed();
      try {
        await bed.sh(`ctr pull ${bed.image('busybox')} && ctr tag ${bed.image('busybox')} busybox`);
        for (const { line, command, output } of commands) {
          const typed = command.replace(/\bctr (run|create) /g, 'ctr $1 --network none ');
          const { code, stdout, stderr } = await bed.sh(`{ ${typed}\n} 2>&1`);
          const seen = { line, command, code, stdout, stderr };
          expect(seen).toMatchObject({ code: 0 });
          if (output.length > 0) expect(seen).toMatchObject({ stdout: expect.stringMatching(patternOf(output)) });
        }
      } finally {
        await bed.close();
      }
    });
  }
});
