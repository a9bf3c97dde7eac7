/** The build checks with all that is known here: the ignore file, and the ENV of base images that are in the store. */
import type { Host } from '../../base/host.ts';
import type { BuildPlan } from '../../build/graph.ts';
import { parseIgnoreFile } from '../../build/ignore-file.ts';
import { checkSettings, lintDockerfile } from '../../build/lint.ts';
import type { LintWarning } from '../../build/lint-warning.ts';
import { findImage } from '../../storage/image-store.ts';
import { readConfig } from '../images.ts';
import type { SourceTree } from './source-walk.ts';

export interface Findings {
  readonly warnings: readonly LintWarning[];
  /** `# check=error=true`: with warnings nothing is built. */
  readonly isFatal: boolean;
}

export function lintPlan(host: Host, { dockerfile, globals }: BuildPlan, ignore: SourceTree['ignore']): Findings {
  const warnings = lintDockerfile(dockerfile, {
    globals,
    baseEnv: (reference) => {
      const stored = findImage(host, reference);
      return stored && (readConfig(host, stored.image).config.Env ?? []);
    },
    ...(ignore ? { ignore: parseIgnoreFile(ignore.text, ignore.name) } : {}),
  });
  return { warnings, isFatal: warnings.length > 0 && checkSettings(dockerfile, globals).error };
}
