import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { version } from '../../../src/base/version.ts';

it('[U] the version is the one in package.json', () => {
  expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({ version });
});
