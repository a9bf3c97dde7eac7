/**
 * The compiled seccomp filter of a container. Compiling takes some 35 ms and libseccomp, so the bytes are kept, in
 * one small file per profile, capability set, architecture and libseccomp; the path of `run` reads that file only.
 */

import { mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { replaceFile } from '../base/json-file.ts';
import { capabilityMask } from './capabilities.ts';
import { kernelRelease } from './host-files.ts';

export interface SeccompRequest {
  /** A path to a profile in JSON, or ctr's own. `unconfined` never comes here. */
  readonly profile: 'default' | (string & {});
  /** `CAP_…` names of the bounding set: the profile's rules depend on them. */
  readonly capabilities: readonly string[];
  /** Where compiled filters are kept; made when missing. Losing it costs time only. */
  readonly cacheDir: string;
}

/** The first 16 hex digits of sha256(JSON of the default profile); a unit test keeps it true. */
export const defaultProfileHash = 'd391e9f04e10165b';

/** sizeof(struct sock_filter). */
const instructionBytes = 8;

/** The BPF program (struct sock_filter records) for seccomp(2) SECCOMP_SET_MODE_FILTER. */
export async function seccompFilterFor({ profile, capabilities, cacheDir }: SeccompRequest): Promise<Uint8Array> {
  const text = profile === 'default' ? undefined : readProfile(profile);
  const hash = text === undefined ? defaultProfileHash : sha256(text);
  const cached = `${cacheDir}/${cacheName(hash, capabilities)}`;
  const known = readCached(cached);
  if (known) return known;
  const { compileDefault, compileProfile } = await import('./seccomp-filter.ts');
  const program = text === undefined ? compileDefault(capabilities) : compileProfile(text, profile, capabilities);
  writeCached(cacheDir, cached, program);
  return program;
}

/** The kernel's major.minor is part of the name because rules may ask for it (`minKernel`). */
function cacheName(hash: string, capabilities: readonly string[]): string {
  const caps = capabilityMask(capabilities)
    .map((word) => word.toString(16).padStart(8, '0'))
    .reverse()
    .join('');
  const kernel = kernelRelease().split('.', 2).join('.').replaceAll('/', '');
  return `${hash}-${caps}-${process.arch}-${kernel}-${libraryVersion()}.bpf`;
}

/** `2.5.4` from the file that the soname's symlink points to: an upgrade knows more calls. Loading would cost 1 ms. */
function libraryVersion(): string {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  for (const folder of [`/usr/lib/${triplet}`, '/usr/lib64', '/usr/lib']) {
    try {
      return readlinkSync(`${folder}/libseccomp.so.2`).replace(/^.*\.so\./, '');
    } catch {
      // not here; any other place is found by the loader and has no version in the name
    }
  }
  return 'any';
}

function readProfile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CtrError('NOT_FOUND', `cannot read the seccomp profile ${path}`, {
      cause,
      hint: 'give the path of a JSON profile, or unconfined',
    });
  }
}

function readCached(path: string): Uint8Array | undefined {
  try {
    const program = readFileSync(path);
    const isWhole = program.length > 0 && program.length % instructionBytes === 0;
    return isWhole ? program : undefined;
  } catch {
    return undefined; // ENOENT mostly; whatever it is, the filter can be compiled
  }
}

/** Durable, because the kernel would refuse a torn filter on every later run. */
function writeCached(folder: string, path: string, program: Uint8Array): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    replaceFile(path, program, { mode: 0o600, durable: true });
  } catch {
    // A read-only or full home: the filter is good without a cache, and the container's own writes will tell
  }
}

function sha256(bytes: Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
