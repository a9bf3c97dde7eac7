/** Every command that docs/images.md shows is typed here, in its order, with the local registry in place of docker.io. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/images.md'), 'utf8');
const shown = [...page.matchAll(/^\$ (ctr .*)$/gm)].map(([, line = '']) => line);

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');

describe('docs/images.md [E]', () => {
  promise('shows commands, and each works', async () => {
    expect(shown.length).toBeGreaterThan(10);
    for (const line of shown) {
      const command = line.replace(/\bbusybox\b(?!\.tar)/, bed.image('busybox'));
      const { code, stderr } = await bed.sh(command);
      expect({ code, stderr: code === 0 ? '' : stderr }, line).toEqual({ code: 0, stderr: '' });
    }
  });
});
