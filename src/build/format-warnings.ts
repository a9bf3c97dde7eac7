/** The findings of the build checks as text: place, rule, message, and the line they are about. */
import type { LintWarning } from './lint-warning.ts';
import { excerpt, formatPlace } from './source-range.ts';
import type { Dockerfile } from './stage.ts';

/** One block for each warning, in their order; empty without any. */
export function formatWarnings({ fileName, text }: Dockerfile, warnings: readonly LintWarning[]): string {
  const lines = text.split(/\r?\n/);
  return warnings
    .map(({ rule, message, source }) => {
      return `${formatPlace(source)}: ${rule}: ${message}\n${excerpt({ name: fileName, lines }, source)}\n`;
    })
    .join('');
}

/** `Check complete, no warnings found.` or how many there are, as `docker build --check` ends. */
export function summaryOfWarnings(warnings: readonly LintWarning[]): string {
  if (warnings.length === 0) return 'Check complete, no warnings found.\n';
  return `Check complete, ${warnings.length} warning${warnings.length === 1 ? ' has' : 's have'} been found!\n`;
}
