/** Flags that say something of an image in a manifest list. */

import { CtrError } from '../../base/ctr-error.ts';
import type { MemberNotes } from '../../engine/manifest-list.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';

export interface MemberFlags {
  readonly annotation: readonly string[];
  readonly arch?: string;
  readonly os?: string;
  readonly osFeatures: readonly string[];
  readonly osVersion?: string;
  readonly variant?: string;
}

export function declareMemberFlags(command: FlagSet): void {
  command
    .option('--annotation <key=value>', 'an annotation of the image in the list', collect, [])
    .option('--arch <arch>', 'the image’s architecture')
    .option('--os <os>', 'the image’s operating system')
    .option('--os-features <list>', 'features that the operating system needs', collect, [])
    .option('--os-version <version>', 'the version of the operating system')
    .option('--variant <variant>', 'the architecture’s variant');
}

export function memberNotesFrom({ annotation, arch, os, osFeatures, osVersion, variant }: MemberFlags): MemberNotes {
  return {
    platform: {
      ...(os === undefined ? {} : { os }),
      ...(arch === undefined ? {} : { architecture: arch }),
      ...(variant === undefined ? {} : { variant }),
      ...(osFeatures.length === 0 ? {} : { 'os.features': osFeatures.flatMap((list) => list.split(',')) }),
      ...(osVersion === undefined ? {} : { 'os.version': osVersion }),
    },
    annotations: Object.fromEntries(annotation.map(annotationFrom)),
  };
}

/** `key=value`. */
export function annotationFrom(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new CtrError('USAGE', `invalid annotation ${JSON.stringify(text)}: want key=value`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}
