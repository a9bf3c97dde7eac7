/**
 * What a RUN sees of an ssh agent: a socket of its own, with the owner and mode that the mount asks for, that lists keys
 * and signs and can do nothing else (OpenSSH PROTOCOL.agent, draft-miller-ssh-agent). The agent itself accepts only the
 * user's own id, and a step must not be able to take keys out of it or put some in. It is gone with the step.
 */
import { chmodSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';

/** SSH_AGENTC_REQUEST_IDENTITIES, SSH_AGENTC_SIGN_REQUEST */
const allowed: ReadonlySet<number> = new Set([11, 13]);
/** A message of the single byte SSH_AGENT_FAILURE. */
const failure = Buffer.from([0, 0, 0, 1, 5]);
/** As in OpenSSH. */
const longestMessage = 256 * 1024;

/** Returns when `path` listens; the returned function ends it and all connections. */
export async function relayAgent(path: string, agent: string): Promise<() => void> {
  const connections = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(agent);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      connections.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        connections.delete(socket);
        other.destroy();
      });
    }
    const filter = new RequestFilter();
    client.on('data', (bytes) => {
      const { pass, refused, isBroken } = filter.push(Buffer.from(bytes));
      for (const message of pass) upstream.write(message);
      for (let count = 0; count < refused; count++) client.write(failure);
      if (isBroken) client.destroy();
    });
    upstream.on('data', (bytes) => void client.write(bytes));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return () => {
    server.close();
    for (const socket of connections) socket.destroy();
  };
}

/** Requests (a length of four bytes, a type, a body), of which only some get through. */
export class RequestFilter {
  #rest = Buffer.alloc(0);

  push(bytes: Buffer): { readonly pass: readonly Buffer[]; readonly refused: number; readonly isBroken: boolean } {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const pass: Buffer[] = [];
    let refused = 0;
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE(0);
      if (length === 0 || length > longestMessage) return { pass, refused, isBroken: true };
      if (this.#rest.length < 4 + length) break;
      const message = this.#rest.subarray(0, 4 + length);
      this.#rest = this.#rest.subarray(4 + length);
      if (allowed.has(message.readUInt8(4))) pass.push(message);
      else refused++;
    }
    return { pass, refused, isBroken: false };
  }
}
