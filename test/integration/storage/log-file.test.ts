/** Reading a log that is written and rotated at the same time, as the supervisor does it. */
import { appendFileSync, closeSync, existsSync, mkdtempSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogReader, openLogFiles } from '../../../src/storage/log-file.ts';
import { frameHeaderBytes } from '../../../src/storage/log-frames.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctr-log-'));
  path = `${directory}/log`;
});
afterEach(() => rmSync(directory, { recursive: true }));

function frame(text: string, stream = 1): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(frameHeaderBytes);
  [stream, 1_700_000_000, 5, payload.length].forEach((word, index) => {
    header.writeBigUInt64LE(BigInt(word), index * 8);
  });
  return Buffer.concat([header, payload]);
}

const write = (text: string) => appendFileSync(path, frame(text));

/** As ns/output-pump.ts: a file that was written to makes room, from the oldest name to the newest. */
function rotate(files: number): void {
  if (!existsSync(path)) return;
  for (let n = files - 1; n > 0; n--) {
    try {
      renameSync(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`);
    } catch {
      // Not so many files yet.
    }
  }
}

const readTexts = (reader: LogReader) => {
  const texts: string[] = [];
  for (let frames = reader.read(); frames.length > 0; frames = reader.read()) {
    texts.push(...frames.map(({ payload }) => payload.toString()));
  }
  return texts;
};

describe('LogReader [I]', () => {
  it('begins with the oldest file and ends with the newest', () => {
    for (const text of ['a', 'b', 'c']) {
      write(text);
      if (text !== 'c') rotate(5);
    }
    using reader = new LogReader(path);
    expect(readTexts(reader)).toEqual(['a', 'b', 'c']);
  });

  it('goes on where it was, however often the log was rotated meanwhile', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('write', 'rotate', 'read'), { maxLength: 60 }), (actions) => {
        rmSync(directory, { recursive: true });
        directory = mkdtempSync(join(tmpdir(), 'ctr-log-'));
        path = `${directory}/log`;
        using reader = new LogReader(path);
        const [written, seen]: [string[], string[]] = [[], []];
        for (const [index, action] of actions.entries()) {
          if (action === 'write') {
            write(`line ${index}`);
            written.push(`line ${index}`);
          } else if (action === 'rotate') rotate(100);
          else seen.push(...readTexts(reader));
        }
        expect([...seen, ...readTexts(reader)]).toEqual(written);
      }),
      { numRuns: 100 },
    );
  });

  it('waits for the rest of a frame that is half written', () => {
    const whole = frame('whole');
    appendFileSync(path, whole.subarray(0, 40 - 5));
    using reader = new LogReader(path);
    expect(readTexts(reader)).toEqual([]);
    appendFileSync(path, whole.subarray(40 - 5));
    expect(readTexts(reader)).toEqual(['whole']);
  });

  it('finds every file although a rotation left a name free', () => {
    for (const text of ['a', 'b', 'c']) {
      write(text);
      rotate(9);
    }
    renameSync(`${path}.3`, `${path}.4`);
    write('d');
    using reader = new LogReader(path);
    expect(readTexts(reader)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('finds the next frame behind what a power cut left', () => {
    for (const damage of [Buffer.alloc(77), Buffer.from([1, 0, 0, 9, 9]), frame('cut off').subarray(0, 20)]) {
      rmSync(path, { force: true });
      write('before');
      appendFileSync(path, damage);
      write('after');
      write('later');
      using reader = new LogReader(path);
      expect(readTexts(reader)).toEqual(['before', 'after', 'later']);
    }
  });

  it('begins anew when the only file is truncated (max-file=1)', () => {
    write('before, and longer');
    using reader = new LogReader(path);
    expect(readTexts(reader)).toEqual(['before, and longer']);
    truncateSync(path);
    write('after');
    expect(readTexts(reader)).toEqual(['after']);
  });

  it('reads on in an open log whose directory is deleted', () => {
    write('last words');
    const [file] = openLogFiles(path);
    rmSync(path);
    using reader = new LogReader(path, { fd: file?.fd ?? -1 });
    closeSync(file?.fd ?? -1);
    expect(readTexts(reader)).toEqual(['last words']);
  });
});
