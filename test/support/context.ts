/** A build context in the user's home: file name → content. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Bed } from './bed.ts';

export type ContextFiles = Readonly<Record<string, string | Uint8Array>>;

export function makeContext(bed: Bed, name: string, files: ContextFiles): string {
  const directory = bed.directory(name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(`${directory}/${path}`), { recursive: true });
    writeFileSync(`${directory}/${path}`, content, { mode: 0o755 });
  }
  execFileSync('chown', ['-R', `${bed.user.uid}:${bed.user.gid}`, directory]);
  return directory;
}
