import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verified } from '../../../src/image/verified-stream.ts';
import { sha256Of } from '../../../src/oci/digest.ts';

async function pass(chunks: Uint8Array[], expected: { content: Uint8Array; size?: number }): Promise<Buffer> {
  const { content, size = content.length } = expected;
  const out: Uint8Array[] = [];
  for await (const chunk of verified(chunks, { digest: sha256Of(content), size })) out.push(chunk);
  return Buffer.concat(out);
}

describe('verified [U] image-spec descriptor.md', () => {
  it('passes the right bytes on, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), async (chunks) => {
        const content = Buffer.concat(chunks);
        expect(await pass(chunks, { content })).toEqual(content);
      }),
    );
  });

  it('cannot end well with a byte changed, missing or added', async () => {
    const content = fc.uint8Array({ minLength: 1, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(content, fc.nat(), async (bytes, at) => {
        const changed = bytes.with(at % bytes.length, (bytes[at % bytes.length] ?? 0) ^ 1);
        for (const wrong of [changed, bytes.subarray(1), Buffer.concat([bytes, Buffer.of(0)])]) {
          await expect(pass([wrong], { content: bytes })).rejects.toMatchObject({ code: 'VERIFY' });
        }
      }),
    );
  });

  it('stops at the first byte too many', async () => {
    const content = Buffer.from('four');
    const taken: number[] = [];
    function* endless() {
      for (let count = 0; ; count++) {
        taken.push(count);
        yield content;
      }
    }
    const reading = async () => {
      for await (const _ of verified(endless(), { digest: sha256Of(content), size: 4 }));
    };
    await expect(reading()).rejects.toThrow('is longer than its 4 bytes');
    expect(taken.length).toBe(2);
  });
});
