/** A name of the outside world that every machine of these tests can resolve: where its packages come from. */
import { execFileSync } from 'node:child_process';

/** The host of the machine's package mirror. Tests ask for its address only. */
export function mirrorHost(): string {
  const sites = execFileSync('apt-get', ['indextargets', '--format', '$(SITE)'], { encoding: 'utf8' });
  const [first = ''] = sites.split('\n').filter((line) => /^https?:/.test(line));
  return new URL(first).hostname;
}
