/** Who shows a build, and can be told to leave the terminal to somebody else. */
import type { BuildWatch } from '../../engine/build/build-events.ts';

export interface BuildProgress extends BuildWatch {
  /** Nothing is written until `release`: somebody else has the terminal. */
  hold(): void;
  release(): void;
  /** The last word; the terminal is free then. */
  close(): void;
}
