/** `build --debug`: the first RUN that failed, kept as it is until somebody has looked at it. */
import type { CtrError } from '../../base/ctr-error.ts';
import { Defer } from '../../base/defer.ts';

export interface FailedStep {
  readonly error: CtrError;
  /** A shell in the step's file system, with its environment, user and mounts; returns when it has ended. */
  shell(): Promise<void>;
}

export class Autopsy {
  readonly #undo = new Defer();
  #step: FailedStep | undefined;

  /** Takes over what `undo` would have cleared away. */
  keep(step: FailedStep, undo: Defer): void {
    if (this.#step) return;
    this.#step = step;
    undo.moveTo(this.#undo);
  }

  /** When everything else has stopped. */
  async perform(look: (step: FailedStep) => Promise<void>): Promise<void> {
    try {
      if (this.#step) await look(this.#step);
    } finally {
      await this.#undo.run();
    }
  }
}
