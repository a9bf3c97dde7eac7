import { describe, expect, it, vi } from 'vitest';
import type { Output } from '../../../../src/cli/context.ts';
import { createProgress, transferLine } from '../../../../src/cli/output/progress.ts';

function recorder(isTty: boolean) {
  const written: string[] = [];
  const output: Output = {
    fd: 2,
    isTty,
    size: () => (isTty ? { columns: 60, rows: 24 } : undefined),
    write: (text) => written.push(String(text)),
  };
  return { output, written };
}

describe('createProgress [U]', () => {
  it('prints a line for each change of state where there is no terminal', () => {
    const { output, written } = recorder(false);
    const view = createProgress(output, { TERM: 'xterm' });
    for (let doneBytes = 0; doneBytes < 100; doneBytes++) {
      view.report({ id: 'abc', state: 'downloading', doneBytes, totalBytes: 100 });
    }
    view.report({ id: 'abc', state: 'done', totalBytes: 100 });
    view.close();
    expect(written).toEqual(['abc: downloading (100B)\n', 'abc: done (100B)\n']);
  });

  it('draws at most ten times a second, and once more at the end', () => {
    vi.useFakeTimers();
    const { output, written } = recorder(true);
    const view = createProgress(output, { TERM: 'xterm', NO_COLOR: '1' });
    for (let ms = 0; ms < 1000; ms++) {
      view.report({ id: 'abc', state: 'downloading', doneBytes: ms, totalBytes: 1000 });
      vi.advanceTimersByTime(1);
    }
    expect(written.length).toBeLessThanOrEqual(10);
    view.report({ id: 'abc', state: 'done', totalBytes: 1000 });
    view.close();
    vi.useRealTimers();
    expect(written.at(-1)).toContain('done');
  });

  it('takes a dumb terminal for a log', () => {
    const { output, written } = recorder(true);
    const view = createProgress(output, { TERM: 'dumb' });
    view.report({ id: 'abc', state: 'exists' });
    view.close();
    expect(written).toEqual(['abc: already here\n']);
  });
});

describe('transferLine [U]', () => {
  it('fits the width and shows how far it is', () => {
    const line = transferLine({ id: '3fa112fd3642', state: 'downloading', doneBytes: 50, totalBytes: 100 }, 79, false);
    expect(line).toMatch(/^3fa112fd3642 \[=+> +\] 50B\/100B +downloading$/);
    expect(line.length).toBeLessThanOrEqual(79);
  });

  it('has no escape sequences when colour is off', () => {
    const control = String.fromCharCode(27);
    const transfer = { id: 'a', state: 'downloading', doneBytes: 1, totalBytes: 2 } as const;
    expect(transferLine(transfer, 79, false)).not.toContain(control);
    expect(transferLine(transfer, 79, true)).toContain(control);
  });
});
