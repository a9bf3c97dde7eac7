import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BuildTree, finishedLine, runningLines } from '../../../../src/cli/output/build-tree.ts';
import { cutToWidth, textWidth, visibleLine } from '../../../../src/cli/output/terminal-text.ts';

const make = { id: 3, place: 'build 2/5', text: 'RUN make' };
const test = { id: 4, place: 'test 1/1', text: 'RUN ./test' };
const tree: BuildTree = {
  beganMs: 1000,
  finished: 2,
  cached: 1,
  running: [
    { step: make, beganMs: 1500, tail: ['cc -c a.c', 'cc -c b.c'] },
    { step: test, beganMs: 3000, tail: [] },
  ],
};
const frame = { nowMs: 3500, columns: 52, rows: 24, colour: false };

describe('runningLines [U]', () => {
  it('shows what runs with its time, and the last lines of its output', () => {
    expect(runningLines(tree, frame)).toEqual([
      '[+] 2.5s: 2 steps finished (1 cached), 2 running',
      '=>          [build 2/5] RUN make               2.0s',
      '            | cc -c a.c',
      '            | cc -c b.c',
      '=>          [test 1/1] RUN ./test              0.5s',
    ]);
  });

  it('leaves out output, then steps, where the terminal has few lines', () => {
    expect(runningLines(tree, { ...frame, rows: 4 })).toHaveLength(3);
    const many = {
      ...tree,
      running: Array.from({ length: 9 }, () => tree.running[0] ?? { step: make, beganMs: 0, tail: [] }),
    };
    const lines = runningLines(many, { ...frame, rows: 5 });
    expect(lines).toHaveLength(4);
    expect(lines.slice(1)).toEqual([
      expect.stringContaining('RUN make'),
      expect.stringContaining('RUN make'),
      '            and 7 more',
    ]);
  });

  it('fits the terminal, whatever the steps print', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 });
    const property = (place: string, line: string, columns: number, rows: number) => {
      const running = [
        { step: { id: 1, place, text: line }, beganMs: 0, tail: [line, `\x1b[31m${line}\x1b[0m`, place] },
      ];
      const lines = runningLines({ ...tree, running }, { ...frame, columns, rows });
      expect(lines.length).toBeLessThan(rows);
      for (const each of lines) expect(textWidth(each)).toBeLessThan(columns);
    };
    fc.assert(fc.property(text, text, fc.integer({ min: 20, max: 200 }), fc.integer({ min: 4, max: 60 }), property));
  });

  it('colours only where colour is wanted', () => {
    expect(runningLines(tree, { ...frame, colour: true }).join('')).toContain('\x1b[2m');
    expect(runningLines(tree, frame).join('')).not.toContain('\x1b');
  });
});

describe('finishedLine [U]', () => {
  it.each([
    ['done', '=> DONE     [build 2/5] RUN make         1m02s'],
    ['cached', '=> CACHED   [build 2/5] RUN make'],
    ['failed', '=> ERROR    [build 2/5] RUN make         1m02s'],
    ['canceled', '=> CANCELED [build 2/5] RUN make         1m02s'],
  ] as const)('says that a step is %s', (how, line) => {
    expect(finishedLine(make, how, 62_400, { ...frame, columns: 47 })).toBe(line);
  });

  it('cuts a long instruction, not the time', () => {
    const line = finishedLine({ ...make, text: `RUN ${'x'.repeat(500)}` }, 'done', 1234, frame);
    expect(line).toMatch(/x… 1\.2s$/);
    expect(line).toHaveLength(51);
  });
});

describe('visibleLine [U]', () => {
  it.each([
    ['10%\r50%\r100%', '100%'],
    ['dos line\r', 'dos line'],
    ['\x1b[2K\x1b[1;31mred\x1b[0m', 'red'],
    ['\x1b]0;title\x07text', 'text'],
    ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['bell\x07 back\x08space \x9b31mC1', 'bell backspace 31mC1'],
    ['\x1b(Bplain\x1b=', 'plain'],
  ])('reduces %j to what a line shows', (text, shown) => {
    expect(visibleLine(text)).toBe(shown);
  });
});

describe('cutToWidth [U]', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['漢字漢字', 8, '漢字漢字'],
    ['漢字漢字', 6, '漢字…'],
    ['e\u0301e\u0301e\u0301', 3, 'e\u0301e\u0301e\u0301'],
  ])('cuts %j to %d columns', (text, width, cut) => {
    expect(cutToWidth(text, width)).toBe(cut);
  });
});
