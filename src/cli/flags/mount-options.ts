/** The words after the last colon of `-v` and `--tmpfs`, and the bare words of `--mount`: mount(8), podman-run(1). */
import { flagError } from './flag-error.ts';

const propagation = ['shared', 'slave', 'private', 'unbindable'].flatMap((word) => [word, `r${word}`]);
const access = ['dev', 'nodev', 'exec', 'noexec', 'suid', 'nosuid'];
const times = ['atime', 'noatime', 'diratime', 'nodiratime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime'];
const writing = ['sync', 'async', 'dirsync'];
/** At most one word of each of these may be given. */
const exclusive: ReadonlyArray<readonly string[]> = [
  ['ro', 'rw'],
  ['z', 'Z'],
  ['bind', 'rbind'],
  ['copy', 'nocopy'],
  ['U', 'me'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
  ['suid', 'nosuid'],
  ['tmpcopyup', 'notmpcopyup'],
  propagation,
];

const bindWords = new Set(['ro', 'rw', 'z', 'Z', 'U', 'me', 'O', 'bind', 'rbind', ...access, ...propagation, ...times]);
const volumeWords = new Set(['ro', 'rw', 'z', 'Z', 'U', 'me', 'O', 'copy', 'nocopy', ...access, ...times]);
const tmpfsWords = new Set([
  'ro',
  'rw',
  'U',
  'tmpcopyup',
  'notmpcopyup',
  'noswap',
  ...access,
  ...propagation,
  ...times,
  ...writing,
]);
const tmpfsPatterns = [
  /^size=\d+([kmgt]|%)?$/i,
  /^mode=[0-7]{1,4}$/,
  /^nr_(inodes|blocks)=\d+[kmgt]?$/i,
  /^[ug]id=\d+$/,
  /^huge=(never|always|within_size|advise)$/,
];

export type OptionRules = 'bind' | 'volume' | 'tmpfs';

/** Check the words and take `ro`/`rw` out of them; throws with the word that does not belong to such a mount. */
export function checkMountOptions(
  flag: string,
  spec: string,
  words: readonly string[],
  rules: OptionRules,
): { readOnly: boolean; options: string[] } {
  const wrong = words.find((word) => !isKnown(word, rules, words));
  if (wrong !== undefined) throw flagError(flag, spec, explain(wrong, rules));
  for (const group of exclusive) {
    const given = group.filter((word) => words.includes(word));
    if (given.length > 1) throw flagError(flag, spec, `${given.join(' and ')} exclude each other`);
  }
  const overlaid = words.filter((word) => !/^(O|me|(upper|work)dir=.*)$/.test(word));
  if (words.includes('O') && overlaid.length > 0)
    throw flagError(flag, spec, `O and ${overlaid[0]} exclude each other`);
  return { readOnly: words.includes('ro'), options: words.filter((word) => word !== 'ro' && word !== 'rw') };
}

function isKnown(word: string, rules: OptionRules, all: readonly string[]): boolean {
  if (rules === 'tmpfs') return tmpfsWords.has(word) || tmpfsPatterns.some((pattern) => pattern.test(word));
  if (/^(upper|work)dir=\/[^,:]*$/.test(word)) return all.includes('O');
  return (rules === 'bind' ? bindWords : volumeWords).has(word);
}

function explain(word: string, rules: OptionRules): string {
  if (word === 'idmap' || word.startsWith('idmap=')) {
    return 'idmap needs root: the kernel lets no unprivileged user map the owners of one mount; `me` makes you the user that the container runs as';
  }
  if (word === 'me') return 'me is for files of yours: host directories and volumes';
  if (rules === 'volume' && propagation.includes(word)) return `${word} is for host directories, not for volumes`;
  return `unknown option ${JSON.stringify(word)} for a ${rules} mount`;
}
