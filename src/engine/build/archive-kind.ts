/**
 * What ADD and contexts take for an archive, and the two compressions that need a program: Node knows gzip and zstd,
 * xz(1) and bzip2(1) know the others (Dockerfile reference, "ADD": identity, gzip, bzip2 or xz).
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CtrError } from '../../base/ctr-error.ts';
import { findExecutable } from '../user-namespace.ts';
import type { ContextTools } from './context-tools.ts';

const headBytes = 64 * 1024;
const blockBytes = 512;

/** By its content: a tar header, plain or behind gzip or zstd; xz and bzip2 streams are taken at their word. */
export function isArchive(file: string): boolean {
  const head = headOf(file);
  const start = head.toString('latin1', 0, 6);
  if (programFor(head) !== undefined) return true;
  if (start.startsWith('\x1f\x8b'))
    return isTar(begun(() => gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH })));
  if (start.startsWith('\x28\xb5\x2f\xfd')) {
    return isTar(begun(() => zstdDecompressSync(head, { finishFlush: constants.ZSTD_e_flush })));
  }
  return isTar(head);
}

/** The file itself, or what xz(1) or bzip2(1) make of it. */
export async function withoutProgramCompression(
  file: string,
  { scratch, host, signal }: ContextTools,
): Promise<string> {
  const name = programFor(headOf(file));
  if (name === undefined) return file;
  const program = findExecutable(host, name);
  if (program === undefined) {
    throw new CtrError('UNSUPPORTED', `an archive is compressed by ${name}, which is not installed`, {
      hint: `install ${name === 'xz' ? 'xz-utils' : name}, or compress the archive by gzip or zstd`,
    });
  }
  const plain = scratch.file();
  const [input, output] = [openSync(file, 'r'), openSync(plain, 'wx', 0o600)];
  try {
    const child = spawn(program, ['-dc'], { stdio: [input, output, 'pipe'], env: host.env, signal });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code !== 0) throw new CtrError('INVALID', `the archive is damaged: ${complaint.trim()}`);
    return plain;
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

function programFor(head: Buffer): 'xz' | 'bzip2' | undefined {
  const start = head.toString('latin1', 0, 6);
  if (start === '\xfd7zXZ\0') return 'xz';
  return /^BZh[1-9]/.test(start) ? 'bzip2' : undefined;
}

function headOf(file: string): Buffer {
  const head = Buffer.alloc(headBytes);
  const fd = openSync(file, 'r');
  try {
    return head.subarray(0, readSync(fd, head, 0, head.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** What the beginning of a compressed file holds; nothing when it is no such file after all. */
function begun(decompress: () => Buffer): Buffer {
  try {
    return decompress();
  } catch {
    return Buffer.alloc(0);
  }
}

/** pax, "ustar" at 257; archives older than POSIX have only a checksum: their header's bytes, its own taken as spaces. */
function isTar(start: Buffer): boolean {
  if (start.length < blockBytes) return false;
  const head = start.subarray(0, blockBytes);
  if (head.toString('latin1', 257, 262) === 'ustar') return true;
  const stated = Number.parseInt(head.toString('latin1', 148, 156).replace(/[\0 ]/g, ''), 8);
  const sum = head.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  return stated === sum && stated > 256;
}
