import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DbusCall, decodeMessage, encodeCall, messageLength } from '../../../src/ns/dbus.ts';

const call: DbusCall = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
  member: 'StartTransientUnit',
  body: [
    { type: 's', value: 'a.scope' },
    {
      type: 'a(sv)',
      value: [
        ['PIDs', { type: 'au', value: [7, 8] }],
        ['TasksMax', { type: 't', value: 0xffffffffffffffffn }],
        ['Delegate', { type: 'b', value: true }],
      ],
    },
    { type: 'a(sa(sv))', value: [] },
  ],
};

describe('encodeCall [U] D-Bus specification "Message Protocol"', () => {
  it('begins with byte order, message type and protocol version', () => {
    expect([...encodeCall(call, 5, false).subarray(0, 4)]).toEqual(['l'.charCodeAt(0), 1, 0, 1]);
  });

  it('is as long as its header says', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.boolean(), (text, toPeer) => {
        const message = encodeCall({ ...call, body: [{ type: 's', value: text }] }, 1, toPeer);
        expect(messageLength(message)).toBe(message.length);
      }),
    );
  });

  it('names the types of the body in its signature', () => {
    expect(encodeCall(call, 5, false).includes('sa(sv)a(sa(sv))\0')).toBe(true);
  });

  it('has no destination for a peer', () => {
    expect(encodeCall(call, 5, true).includes(`${call.destination}\0`)).toBe(false);
  });

  it('aligns a 64-bit value to eight bytes ("Marshaling")', () => {
    const message = encodeCall(call, 5, true);
    const bodyStart = message.length - message.readUInt32LE(4);
    expect((message.indexOf(Buffer.alloc(8, 0xff)) - bodyStart) % 8).toBe(0);
  });
});

describe('decodeMessage [U] D-Bus specification "Header Fields"', () => {
  /** An answer as systemd writes it: the fields of a call are decoded by the same rules. */
  function answer(type: 2 | 3, text: string, name?: string): Buffer {
    const fields = Buffer.concat([
      Buffer.from([5, 1, 0x75, 0]),
      Buffer.from([2, 0, 0, 0]),
      Buffer.from([8, 1, 0x67, 0, 1, 0x73, 0, 0]),
      ...(name === undefined ? [] : [Buffer.from([4, 1, 0x73, 0]), sized(name)]),
    ]);
    const head = Buffer.alloc(16);
    head.write('l');
    head.writeUInt8(type, 1);
    head.writeUInt32LE(5 + text.length, 4);
    head.writeUInt32LE(fields.length, 12);
    return Buffer.concat([head, fields, Buffer.alloc((8 - (fields.length % 8)) % 8), sized(text)]);
  }
  const sized = (text: string) => Buffer.concat([Buffer.from([text.length, 0, 0, 0]), Buffer.from(`${text}\0`)]);

  it('reads a reply: whose it is and its first string', () => {
    const message = decodeMessage(answer(2, '/job/1'));
    expect(message).toMatchObject({ isError: false, replySerial: 2, text: '/job/1' });
  });

  it('reads an error: its name and its text', () => {
    const message = decodeMessage(answer(3, 'no', 'org.freedesktop.systemd1.UnitExists'));
    expect(message).toMatchObject({ isError: true, errorName: 'org.freedesktop.systemd1.UnitExists', text: 'no' });
  });
});
