/**
 * An undo stack: push the release of every acquired thing (descriptor, lock, directory) on the line after it was
 * acquired; `run` releases in reverse order and goes on past failures, throwing the first one at the end.
 */
export class Defer {
  readonly #undo: Array<() => void | Promise<void>> = [];

  push(undo: () => void | Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Forget everything: what was acquired has been handed on. */
  keep(): void {
    this.#undo.length = 0;
  }

  /** Hand everything on to `other`. */
  moveTo(other: Defer): void {
    other.#undo.push(...this.#undo.splice(0));
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
