/** The progress of a copy, for a progress view. */
import { shortId } from '../../engine/images.ts';
import type { CopyProgress } from '../../image/content.ts';
import type { ProgressView } from './progress.ts';

export function copyProgressInto(view: ProgressView): CopyProgress {
  return {
    blob: ({ digest, size }, state, bytes) =>
      view.report({ id: shortId(digest), state, doneBytes: bytes, totalBytes: size }),
  };
}
