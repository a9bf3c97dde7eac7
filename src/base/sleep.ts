/** A pause of `ms` milliseconds. node:timers/promises has the same, and takes half a millisecond of every start to load. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
