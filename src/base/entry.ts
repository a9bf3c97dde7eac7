/** How ctr starts itself again: the clean-up after a container, the worker that unpacks layers. */

/** argv of this same program under this same Node; beside the built bundle, or from the sources in tests. */
export function ownProgram(...args: readonly string[]): string[] {
  const directory = import.meta.dirname.replace(/\/src\/base$/, '/dist');
  return [process.execPath, '--no-warnings', `${directory}/ctr.cjs`, ...args];
}
