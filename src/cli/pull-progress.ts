/** How a pull is shown: bars on a terminal, plain lines otherwise; and how an interrupt ends it. */

import { shortId } from '../engine/images.ts';
import type { PullWatch } from '../engine/pull.ts';
import type { Context } from './context.ts';
import { untilInterrupted } from './interrupt.ts';
import { createProgress, silentProgress } from './output/progress.ts';

export interface PullView extends PullWatch {
  readonly signal: AbortSignal;
  /** A line of text above the bars. */
  say(text: string): void;
  close(): void;
}

export function openPullView({ stderr, host }: Context, quiet: boolean): PullView {
  const view = quiet ? silentProgress : createProgress(stderr, host.env);
  return {
    signal: untilInterrupted(),
    progress: {
      layer: (digest, { state, bytes, totalBytes }) =>
        view.report({ id: shortId(digest), state, doneBytes: bytes, totalBytes }),
    },
    say: (text) => view.say(text),
    close: () => view.close(),
  };
}
