import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonLine, kubernetesLine, LineJoiner, type TextLine } from '../../../src/engine/text-log.ts';

const frameOf = (payload: Buffer, stream = 1) => ({ stream, seconds: 0, nanoseconds: 7, payload });

function joined(payloads: ReadonlyArray<readonly [stream: number, text: string]>): TextLine[] {
  const lines: TextLine[] = [];
  const joiner = new LineJoiner((line) => lines.push(line));
  for (const [stream, text] of payloads) joiner.push(frameOf(Buffer.from(text), stream));
  joiner.finish();
  return lines;
}

describe('LineJoiner [U]', () => {
  it('joins what belongs to one line of one stream', () => {
    const lines = joined([
      [1, 'par'],
      [2, 'err\n'],
      [1, 'tial\nnext\nopen'],
    ]);
    expect(lines.map(({ text, isPartial }) => [text, isPartial])).toEqual([
      ['err\n', false],
      ['partial\n', false],
      ['next\n', false],
      ['open', true],
    ]);
  });

  it('loses and adds nothing, however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a\n]{0,9}$/)), (pieces) => {
        const text = joined(pieces.map((piece) => [1, piece] as const)).map((line) => line.text);
        expect(text.join('')).toBe(pieces.join(''));
      }),
    );
  });

  it('cuts a line of more than 16 KiB', () => {
    const lines = joined([[1, `${'x'.repeat(40_000)}\n`]]);
    expect(lines.map(({ text, isPartial }) => [text.length, isPartial])).toEqual([
      [16_384, true],
      [16_384, true],
      [7233, false],
    ]);
  });
});

describe('text formats [U]', () => {
  const line = { frame: frameOf(Buffer.from(''), 2), text: 'say "hi"\n', isPartial: false };

  it('is a JSON object for each line with json-file, as Docker writes it', () => {
    expect(JSON.parse(jsonLine(line))).toEqual({
      log: 'say "hi"\n',
      stream: 'stderr',
      time: '1970-01-01T00:00:00.000000007Z',
    });
  });

  it('is the CRI’s line with k8s-file', () => {
    expect(kubernetesLine(line)).toBe('1970-01-01T00:00:00.000000007Z stderr F say "hi"\n');
    expect(kubernetesLine({ ...line, text: 'a', isPartial: true })).toBe('1970-01-01T00:00:00.000000007Z stderr P a\n');
  });
});
