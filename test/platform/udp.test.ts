/** What ns/name-server.ts relies on when one name server takes the place of another. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';

const sockets: Socket[] = [];
afterAll(() => {
  for (const socket of sockets) socket.close();
});

async function bound(type: 'udp4' | 'udp6', address: string, port = 0): Promise<Socket> {
  const socket = createSocket({ type, reuseAddr: true });
  sockets.push(socket);
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

describe('UDP sockets on this kernel [P]', () => {
  for (const [type, address] of [
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
  ] as const) {
    it(`of two on the same ${type} address with SO_REUSEADDR, the one that was bound last gets all datagrams`, async () => {
      const first = await bound(type, address);
      const { port } = first.address();
      const second = await bound(type, address, port);
      const [atFirst, atSecond]: [string[], string[]] = [[], []];
      first.on('message', (text) => atFirst.push(text.toString()));
      const done = new Promise<void>((resolve) => {
        second.on('message', (text) => {
          atSecond.push(text.toString());
          if (atSecond.length === 20) resolve();
        });
      });
      // From sockets of their own: a choice by the sender's port would show.
      for (let number = 0; number < 20; number++) (await bound(type, address)).send(`${number}`, port, address);
      await done;
      expect([atFirst.length, new Set(atSecond).size]).toEqual([0, 20]);
    });
  }
});
