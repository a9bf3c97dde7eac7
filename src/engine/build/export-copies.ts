/** `--output type=oci|docker` and `--push`: copies of the image that the store has now. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import { push } from '../push.ts';
import type { Build } from './build-state.ts';
import type { BuiltImage } from './export-image.ts';

export async function exportCopies(build: Build, { image }: BuiltImage, write: (bytes: Uint8Array) => void) {
  const { host, request, scratch, signal } = build;
  const { tlsVerify, authFile, names } = request;
  const access = { tlsVerify, authFile };
  for (const output of request.outputs) {
    if (output.type !== 'oci' && output.type !== 'docker') continue;
    const path = output.dest === undefined ? scratch.file() : resolve(request.cwd, output.dest);
    const transport = output.type === 'oci' ? 'oci-archive' : 'docker-archive';
    const destination = [`${transport}:${path}`, ...names.slice(0, 1)].join(':');
    await push(host, { ...access, name: image.id, destination }, { signal });
    if (output.dest === undefined) write(readFileSync(path));
  }
  if (!request.push) return;
  if (names.length === 0) throw new CtrError('USAGE', '--push needs a name', { hint: 'give one with -t' });
  for (const name of names)
    await push(host, { ...access, name: image.id, destination: `docker://${name}` }, { signal });
}
