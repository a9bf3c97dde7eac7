/**
 * Secrets and ssh material of a build, searched for byte for byte in all that a build leaves behind: layers unpacked and
 * as archives, config, history, cache records, the event log, and every form of progress (docs/build.md).
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { makeToolImage } from '../support/tool-image.ts';

let bed: Bed;
const promise = needs('root', 'registry', 'skopeo', 'busybox', 'subordinate-ids', 'ssh');
beforeAll(async () => {
  bed = await openBed();
  await makeToolImage(bed, ['/usr/bin/ssh-add']);
});
afterAll(() => bed?.close());

/** The text itself and the forms in which it could be hidden. */
function formsOf(secret: Buffer): Map<string, Buffer> {
  const whole = secret.subarray(0, Math.floor(secret.length / 3) * 3);
  return new Map([
    ['as it is', secret],
    ['base64', Buffer.from(whole.toString('base64'))],
    ['hex', Buffer.from(secret.toString('hex'))],
    ['SHA-256', Buffer.from(createHash('sha256').update(secret).digest('hex'))],
  ]);
}

/** Every file below the directories, and what compressed ones hold. */
function* everything(...directories: readonly string[]): Generator<[string, Buffer]> {
  for (const directory of directories) {
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      const path = `${directory}/${name}`;
      if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
      const bytes = readFileSync(path);
      yield [path, bytes];
      if (bytes.length > 4 && bytes.readUInt16BE(0) === 0x1f8b) yield [path, gunzipSync(bytes)];
      if (bytes.length > 4 && bytes.readUInt32LE(0) === 0xfd2fb528) yield [path, zstdDecompressSync(bytes)];
    }
  }
}

/** The words that the progress wrote, with the output of steps decoded. */
function decoded(rawJson: string): Buffer {
  const lines = rawJson.split('\n').filter((line) => line.startsWith('{'));
  const data = lines.map((line) => JSON.parse(line).data ?? '');
  return Buffer.concat([Buffer.from(rawJson), ...data.map((text) => Buffer.from(text, 'base64'))]);
}

describe('secrets of a build [S]', () => {
  promise('are in nothing that it leaves behind', async () => {
    const [inFile, inVariable, control] = [0, 1, 2].map(() => Buffer.from(`needle-${randomBytes(24).toString('hex')}`));
    const socket = `${bed.home}/agent-${randomBytes(6).toString('hex')}`;
    bed.file('secret', inFile ?? '');
    await bed.sh(`ssh-keygen -q -t ed25519 -N "" -f id; ssh-agent -a ${socket}; SSH_AUTH_SOCK=${socket} ssh-add -q id`);
    const privateKey = Buffer.from(readFileSync(`${bed.home}/id`, 'utf8').replace(/-----.*-----/g, ''), 'base64');
    const publicKey = Buffer.from(readFileSync(`${bed.home}/id.pub`, 'utf8').split(' ')[1] ?? '', 'base64');
    bed.directory('context');
    bed.file(
      'context/Dockerfile',
      [
        'FROM localhost/tools AS first',
        'RUN --mount=type=secret,id=file --mount=type=secret,id=variable,env=V test -s /run/secrets/file && test -n "$V"',
        'RUN --mount=type=secret,id=variable --mount=type=cache,target=/c cmp /run/secrets/variable /dev/null; touch /c/x',
        'RUN --mount=type=ssh ssh-add -L | wc -l >/count',
        'RUN --mount=type=ssh,id=key ssh-add -L | wc -l >>/count',
        'FROM localhost/tools',
        'COPY --from=first /count /count',
        `RUN echo ${control} >/control`,
      ].join('\n'),
    );
    const flags = ['--secret', `id=file,src=${bed.home}/secret`, '--secret', 'id=variable,env=SECRET_VALUE'];
    const agents = [
      '--ssh',
      `default=${socket}`,
      '--ssh',
      `key=${bed.home}/id`,
      '--cache-to',
      'type=local,dest=exported,mode=max',
    ];
    const env = { SECRET_VALUE: String(inVariable) };
    const shown: Buffer[] = [];
    for (const style of ['rawjson', 'plain', 'quiet']) {
      const words = [
        '--network',
        'none',
        '--no-cache',
        '--progress',
        style,
        '-t',
        'localhost/made',
        ...flags,
        ...agents,
      ];
      const built = await bed.ctrWith({ env }, 'build', ...words, 'context');
      expect(built.code, built.stderr).toBe(0);
      shown.push(decoded(built.stdout + built.stderr));
    }
    await bed.ctr('save', '--format', 'oci-archive', '-o', 'saved.tar', 'localhost/made');
    await bed.ctr('push', '-q', '--tls-verify=false', 'localhost/made', `dir:${bed.home}/pushed`);
    const told = await bed.sh(
      'ctr history --no-trunc localhost/made; ctr inspect localhost/made; ctr builder du; ctr events --stream=false',
    );
    const places: Array<[string, Buffer]> = [
      ...everything(bed.dataRoot, String(bed.env.XDG_RUNTIME_DIR), `${bed.home}/pushed`, `${bed.home}/exported`),
      ['saved.tar', readFileSync(`${bed.home}/saved.tar`)],
      ['what commands say', Buffer.from(told.stdout + told.stderr)],
      ...shown.map((bytes, index): [string, Buffer] => [`progress ${index}`, bytes]),
    ];
    const found = (needle: Buffer) => places.filter(([, bytes]) => bytes.includes(needle)).map(([path]) => path);
    // The search itself: what a RUN writes is found in the layer's directory, its archives and the history.
    expect(found(control ?? Buffer.from('none')).length).toBeGreaterThan(4);
    const needles = { inFile, inVariable, privateKey: privateKey.subarray(-200), publicKey: publicKey.subarray(-32) };
    for (const [name, secret] of Object.entries({ ...needles, socket: Buffer.from(socket) })) {
      for (const [form, needle] of formsOf(secret ?? Buffer.from('')))
        expect(found(needle), `${name} ${form}`).toEqual([]);
    }
  });
});
