import { describe, expect, it, vi } from 'vitest';
import type { Output } from '../../../../src/cli/context.ts';
import { buildProgress, type ProgressStyle } from '../../../../src/cli/output/build-progress.ts';

const first = { id: 1, place: 'a 1/1', text: 'RUN first' };
const second = { id: 2, place: 'b 1/1', text: 'RUN second' };

function recorded(style: ProgressStyle, env: Record<string, string> = {}) {
  const written: string[] = [];
  const size = () => (style === 'tty' ? { columns: 60, rows: 20 } : undefined);
  const output: Output = { fd: 2, isTty: style === 'tty', size, write: (text) => written.push(String(text)) };
  const view = buildProgress(style, output, env);
  const say = (step: typeof first, text: string) => view.output(step, 'stdout', Buffer.from(text));
  return { view, say, written, text: () => written.join('') };
}

describe('buildProgress [U]', () => {
  it('plain: numbers the lines of steps, whole ones', () => {
    const { view, say, text } = recorded('plain');
    view.began(first);
    say(first, 'one\ntw');
    say(first, 'o\nrest');
    view.ended(first, 'done', 1234);
    view.close();
    expect(text()).toBe('#1 [a 1/1] RUN first\n#1 one\n#1 two\n#1 rest\n#1 DONE 1.2s\n');
  });

  it('plain: repeats the end of what a failed step said only if another step spoke after it', () => {
    const { view, say, text } = recorded('plain');
    view.began(first);
    view.began(second);
    say(first, 'no such file\n');
    say(second, 'still going\n');
    view.ended(first, 'failed', 10);
    view.ended(second, 'canceled', 20);
    view.close();
    expect(text()).toMatch(/#2 CANCELED 0\.0s\n> \[a 1\/1\] RUN first:\nno such file\n$/);
    const alone = recorded('plain');
    alone.view.began(first);
    alone.say(first, 'no such file\n');
    alone.view.ended(first, 'failed', 10);
    alone.view.close();
    expect(alone.text().match(/no such file/g)).toHaveLength(1);
  });

  it('quiet: says nothing but what a failed step said last', () => {
    const { view, say, text } = recorded('quiet');
    view.began(first);
    say(first, Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join(''));
    expect(text()).toBe('');
    view.ended(first, 'failed', 10);
    view.close();
    expect(text()).toMatch(/^> \[a 1\/1\] RUN first:\nline 70\n[\s\S]*line 99\n$/);
  });

  it('rawjson: one object a line, output as base64', () => {
    const { view, say, text } = recorded('rawjson');
    view.began(first);
    say(first, 'one\n');
    view.ended(first, 'cached', 0);
    expect(
      text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { event: 'began', ...first },
      { event: 'output', id: 1, stream: 'stdout', data: 'b25lCg==' },
      { event: 'cached', id: 1, ms: 0 },
    ]);
  });
});

describe('buildProgress on a terminal [U]', () => {
  it('draws over the last frame, and leaves one line for each finished step', () => {
    vi.useFakeTimers();
    const { view, say, written, text } = recorded('tty', { NO_COLOR: '1' });
    view.began(first);
    say(first, 'compiling\n12%\r13%');
    vi.advanceTimersByTime(100);
    expect(written.at(-1)).toMatch(/1 running\x1b\[K\n=>.*RUN first.*\n +\| compiling\x1b\[K\n +\| 13%\x1b\[K\n$/);
    vi.advanceTimersByTime(100);
    expect(written.at(-1)).toMatch(/^\r\x1b\[4A\x1b\[J/);
    view.ended(first, 'done', 1500);
    view.close();
    vi.useRealTimers();
    expect(written.at(-1)).toMatch(
      /^\r\x1b\[4A\x1b\[J=> DONE .*RUN first.* 1\.5s\x1b\[K\n\[\+\] .*1 step finished\x1b\[K\n$/,
    );
    // No mode of the terminal is changed, so that there is none to restore.
    expect(text()).not.toMatch(/\x1b\[\?|\x1b\[[\d;]*m/);
  });

  it('goes up over the lines that a narrower terminal has broken', () => {
    vi.useFakeTimers();
    const env: Record<string, string> = { NO_COLOR: '1', COLUMNS: '60' };
    const { view, written } = recorded('tty', env);
    view.began({ ...first, text: `RUN ${'x'.repeat(100)}` });
    vi.advanceTimersByTime(100);
    env.COLUMNS = '30';
    vi.advanceTimersByTime(100);
    vi.useRealTimers();
    // The summary was 40 columns wide, the step 59.
    expect(written.at(-1)).toMatch(/^\r\x1b\[4A/);
    view.close();
  });
});
