/** Every Dockerfile of test/corpus built by `ctr build`, and its tree, configuration or error compared (docs/build.md). */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { corpusCases } from '../support/corpus.ts';
import { type Builder, buildCase, demanded } from '../support/corpus-runner.ts';
import { startFileServer } from '../support/file-server.ts';
import { readImage } from '../support/image-tree.ts';
import { needs } from '../support/needs.ts';

const host = ['registry', 'skopeo', 'busybox', 'subordinate-ids'] as const;
const promise = needs(...host);
let bed: Bed;
let builder: Builder;
let server: Awaited<ReturnType<typeof startFileServer>>;

beforeAll(async () => {
  bed = await openBed();
  server = await startFileServer(`${bed.home}/http`);
  const busybox = `${bed.home}/busybox.tar`;
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/busybox');
  await bed.ctr('save', '--format', 'oci-archive', '-o', busybox, 'localhost/busybox');
  builder = {
    sh: (command, cwd) => bed.sh(command, { cwd, timeoutMs: 60_000 }),
    build: (flags) => `ctr build ${flags}`,
    save: (reference, file) => `ctr save -q --format oci-archive -o ${file} ${reference}`,
    work: bed.directory('corpus'),
    owner: bed.user,
    httpUrl: server.url,
    busybox: await readImage(busybox),
  };
});
afterAll(async () => {
  server?.close();
  await bed?.close();
});

/** `…` at the end of a description stands for any content. */
const described = (tree: Readonly<Record<string, string | null>>) =>
  Object.fromEntries(
    Object.entries(tree).map(([path, text]) => {
      const open = text?.endsWith(' …') === true;
      return [path, open ? expect.stringMatching(`^${text?.slice(0, -1)}`) : text];
    }),
  );

describe('ctr build of the corpus [E]', () => {
  for (const each of corpusCases()) {
    const run = each.needs?.includes('git') ? needs(...host, 'git') : promise;
    run(each.name, async () => {
      const { result, base } = await buildCase(each, builder);
      if (each.error !== undefined) {
        expect(result).toEqual({ failed: expect.stringContaining(each.error) });
        if (each.says !== undefined) expect(result).toEqual({ failed: expect.stringContaining(each.says) });
        return;
      }
      const { tree, config } = demanded(each, base);
      expect(result).toMatchObject({ tree: {}, config: {} });
      if (!('tree' in result)) return;
      expect(result.tree).toEqual(described(tree));
      expect(result.config).toEqual(config);
    });
  }
});
