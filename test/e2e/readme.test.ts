/** Every command that README.md shows under "Use" is typed here, with the local registry in place of docker.io. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const shown = [...readme.matchAll(/^ctr .*$/gm)].map(([line]) => line);

let bed: Bed;
beforeAll(async () => {
  bed = await openBed({ images: ['debian'] });
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'mmdebstrap', 'subordinate-ids');

describe('README.md [E]', () => {
  it('shows commands', () => {
    expect(shown.length).toBeGreaterThanOrEqual(3);
  });

  for (const line of shown) {
    promise(`${line} works as shown`, async () => {
      const command = line.replace('debian:bookworm', bed.image('debian')).replace('ctr run', 'ctr run --network none');
      // A command that wants a terminal gets one, and an end of its input.
      const typed = line.includes(' -it ') ? `echo exit | script -qec ${JSON.stringify(command)} /dev/null` : command;
      const outcome = await bed.sh(typed);
      expect(outcome).toMatchObject({ code: 0 });
    });
  }
});
