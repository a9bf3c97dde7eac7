/** Signals by name and number (signal(7)). */

const first = 34;
const last = 64;

/**
 * The number of `SIGTERM`, `term`, `15`, `SIGRTMIN+3` or `RTMAX-1`; undefined for anything else. The first two
 * real-time signals are glibc's own, so SIGRTMIN is 34.
 */
export function signalNumber(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return Number(text) >= 1 && Number(text) <= last ? Number(text) : undefined;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime) {
    const offset = Number(`${realTime[2] ?? '+'}${realTime[3] ?? '0'}`);
    const number = (realTime[1] === 'MIN' ? first : last) + offset;
    return number >= first && number <= last ? number : undefined;
  }
  return Object.entries(process.getBuiltinModule('node:os').constants.signals).find(
    ([known]) => known === `SIG${name}`,
  )?.[1];
}
