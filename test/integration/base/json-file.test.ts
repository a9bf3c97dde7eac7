import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readJsonFile, withSpaceHint, writeJsonFile } from '../../../src/base/json-file.ts';
import { temporaryDirectory } from '../../support/store.ts';

describe('writeJsonFile [I]', () => {
  it.each([true, false])('replaces the whole file (durable: %s)', (durable) => {
    const directory = temporaryDirectory();
    writeJsonFile(`${directory}/a`, { long: 'x'.repeat(100_000) }, { durable });
    writeJsonFile(`${directory}/a`, [1], { durable, mode: 0o600 });
    expect(readJsonFile(`${directory}/a`)).toEqual([1]);
    expect(statSync(`${directory}/a`).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['a']);
  });

  it('leaves no temporary file when it fails', () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/a`);
    expect(() => writeJsonFile(`${directory}/a`, 1)).toThrow(/EISDIR/);
    expect(readdirSync(directory)).toEqual(['a']);
  });
});

describe('readJsonFile [I]', () => {
  it('knows no file from a damaged one', () => {
    const path = `${temporaryDirectory()}/a`;
    expect(readJsonFile(path)).toBeUndefined();
    writeFileSync(path, '{');
    expect(() => readJsonFile(path)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});

describe('withSpaceHint [I]', () => {
  it.each(['ENOSPC', 'EDQUOT'])('explains %s', (code) => {
    expect(withSpaceHint(Object.assign(new Error(), { code }), '/x')).toMatchObject({ code: 'NO_SPACE' });
  });

  it('passes other errors on', () => {
    const error = Object.assign(new Error(), { code: 'EIO' });
    expect(withSpaceHint(error, '/x')).toBe(error);
  });
});
