import { readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { sha256Of } from '../../../src/oci/digest.ts';
import { blobPath, createBlobWriter, hasBlob, openBlob, readBlob, writeBlob } from '../../../src/storage/blob-store.ts';
import { layout } from '../../../src/storage/layout.ts';
import { putBlob, temporaryHost } from '../../support/store.ts';

const digest = sha256Of('content');

describe('createBlobWriter [I] image-layout.md', () => {
  it('gives the blob its name only at publish', () => {
    const host = temporaryHost();
    const writer = createBlobWriter(host);
    writeSync(writer.fd, 'content');
    expect(hasBlob(host, digest)).toBe(false);
    writer.publish(digest);
    expect(readFileSync(`${host.dataRoot}/blobs/sha256/${digest.slice(7)}`, 'utf8')).toBe('content');
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });

  it('names the file relative to the data root for a process that sees the root elsewhere', () => {
    const host = temporaryHost();
    const writer = createBlobWriter(host);
    expect(`${host.dataRoot}/${writer.relativePath}`).toBe(writer.path);
    writer.discard();
  });

  it('publishes the same blob twice without harm', () => {
    const host = temporaryHost();
    writeBlob(host, digest, Buffer.from('content'));
    writeBlob(host, digest, Buffer.from('content'));
    expect(readBlob(host, { digest, size: 7 }).toString()).toBe('content');
  });

  it('leaves nothing behind when it is discarded', () => {
    const host = temporaryHost();
    const writer = createBlobWriter(host);
    writeSync(writer.fd, 'content');
    writer.discard();
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });
});

describe('readBlob [I]', () => {
  it('refuses content that was changed on disk', () => {
    const host = temporaryHost();
    const blob = putBlob(host, 'content');
    writeFileSync(blobPath(host, blob.digest), 'c0ntent');
    expect(() => readBlob(host, blob)).toThrow(expect.objectContaining({ code: 'VERIFY' }));
  });

  it('refuses a size other than the one that was promised', () => {
    const host = temporaryHost();
    const { digest: stored } = putBlob(host, 'content');
    expect(() => readBlob(host, { digest: stored, size: 6 })).toThrow(expect.objectContaining({ code: 'VERIFY' }));
  });

  it('says that a blob is not stored', () => {
    expect(() => readBlob(temporaryHost(), { digest, size: 7 })).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
  });

  it('streams what openBlob opens', async () => {
    const host = temporaryHost();
    const blob = putBlob(host, 'content');
    expect(await text(openBlob(host, blob.digest))).toBe('content');
  });
});
