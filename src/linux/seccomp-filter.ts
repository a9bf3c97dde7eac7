/** A profile becomes a filter for this machine: loaded when no compiled one is at hand (seccomp.ts). */

import { parseSeccompProfile, resolveSeccomp, type SeccompProfile, seccompArch } from '../oci/seccomp.ts';
import { defaultSeccompProfile } from '../oci/seccomp-default.ts';
import { kernelRelease } from './host-files.ts';
import { compileSeccomp } from './seccomp-compile.ts';

export function compileFor(profile: SeccompProfile, capabilities: readonly string[]): Uint8Array {
  return compileSeccomp(
    resolveSeccomp(profile, { capabilities, arch: seccompArch(process.arch), kernel: kernelRelease() }),
  );
}

export function compileDefault(capabilities: readonly string[]): Uint8Array {
  return compileFor(defaultSeccompProfile, capabilities);
}

/** `text`: a profile in JSON, read from `path`. */
export function compileProfile(text: Buffer, path: string, capabilities: readonly string[]): Uint8Array {
  return compileFor(parseSeccompProfile(text, path), capabilities);
}
