/** The corpus as far as it can be checked without building: what should build is read and planned. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../../../src/build/parse-dockerfile.ts';
import { planBuild } from '../../../src/build/plan-build.ts';
import { corpusCases, corpusDir } from '../../support/corpus.ts';

const cases = corpusCases();
const planOf = (name: string) =>
  planBuild(parseDockerfile(readFileSync(join(corpusDir, name, 'Dockerfile'), 'utf8'), { fileName: 'Dockerfile' }), {
    platform: 'linux/amd64',
    buildPlatform: 'linux/amd64',
    buildArgs: { NAME: 'busybox', URL: 'http://127.0.0.1:1' },
  });

describe('test/corpus [U]', () => {
  it('has at least 150 cases', () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
  });

  it.each(cases.filter(({ error }) => error === undefined).map(({ name }) => name))('plans %s', (name) => {
    expect(planOf(name).stages.length).toBeGreaterThan(0);
  });
});
