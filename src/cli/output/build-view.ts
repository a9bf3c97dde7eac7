/** Who shows a build. */
import type { BuildWatch } from '../../engine/build/build-events.ts';

export interface BuildProgress extends BuildWatch {
  /** The last word; the terminal is free then. A second call does nothing. */
  close(): void;
}
