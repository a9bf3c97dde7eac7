import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestFilter } from '../../../../src/engine/build/ssh-relay.ts';

function message(type: number, body = ''): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.writeUInt32BE(1 + body.length);
  bytes.writeUInt8(type, 4);
  bytes.write(body, 5, 'latin1');
  return bytes;
}

describe('RequestFilter [U]', () => {
  it('lets the list of keys and signing through', () => {
    const asked = [message(11), message(13, 'sign this')];
    expect(new RequestFilter().push(Buffer.concat(asked))).toEqual({ pass: asked, refused: 0, isBroken: false });
  });

  it.each([
    [17, 'add a key'],
    [18, 'remove a key'],
    [19, 'remove all'],
    [20, 'add a card'],
    [22, 'lock'],
    [25, 'add with constraints'],
    [27, 'extension'],
  ])('refuses request %d (%s)', (type, name) => {
    expect(new RequestFilter().push(message(type, name))).toEqual({ pass: [], refused: 1, isBroken: false });
  });

  it('gives up on a length that no message has', () => {
    expect(new RequestFilter().push(Buffer.from([0xff, 0, 0, 0, 11])).isBroken).toBe(true);
    expect(new RequestFilter().push(Buffer.from([0, 0, 0, 0, 11])).isBroken).toBe(true);
  });

  it('does the same however the bytes are split', () => {
    const request = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.string({ maxLength: 40 }));
    const property = (requests: ReadonlyArray<[number, string]>, step: number) => {
      const bytes = Buffer.concat(requests.map(([type, body]) => message(type, body.replace(/[^ -~]/g, ''))));
      const whole = new RequestFilter().push(bytes);
      const filter = new RequestFilter();
      const pieces = [];
      for (let at = 0; at < bytes.length; at += step) pieces.push(filter.push(bytes.subarray(at, at + step)));
      expect(Buffer.concat(pieces.flatMap(({ pass }) => pass))).toEqual(Buffer.concat(whole.pass));
      expect(pieces.reduce((sum, { refused }) => sum + refused, 0)).toBe(whole.refused);
    };
    fc.assert(fc.property(fc.array(request, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), property));
  });
});
