/** slirp4netns(1) "API SOCKET": one connection for each request, JSON both ways. It listens a moment after it is ready. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { describePort, type PublishedPort } from './host-ports.ts';
import { slirpAddresses } from './slirp-options.ts';

/** Refuse options that slirp4netns has not and ports that it cannot publish: before anything is made. */
export function checkSlirp(options: readonly string[], publish: readonly PublishedPort[]): void {
  slirpAddresses(options);
  const six = publish.find(({ hostIp }) => hostIp?.includes(':'));
  if (six === undefined) return;
  throw new CtrError('UNSUPPORTED', `cannot publish ${describePort(six)}: slirp4netns forwards IPv4 only`, {
    hint: 'use --network pasta (package passt)',
  });
}

/** Publish `ports` for a container with address `guest`. */
export async function addForwards(socket: string, guest: string, ports: readonly PublishedPort[]): Promise<void> {
  for (const port of ports) {
    const answer = await ask(socket, forwardRequest(guest, port));
    const [, reason] = /"error":.*"desc":"([^"]*)"/.exec(answer) ?? [];
    if (reason === undefined && answer.includes('"return"')) continue;
    throw new CtrError('NETWORK', `cannot publish ${describePort(port)}: slirp4netns: ${reason ?? 'no answer'}`, {
      hint: 'another process may have taken the port this very moment',
    });
  }
}

/** `add_hostfwd`, as its manual has it. */
export function forwardRequest(guest: string, { protocol, hostIp, hostPort, containerPort }: PublishedPort): string {
  const host = { proto: protocol, host_addr: hostIp ?? '0.0.0.0', host_port: hostPort };
  return JSON.stringify({
    execute: 'add_hostfwd',
    arguments: { ...host, guest_addr: guest, guest_port: containerPort },
  });
}

const listenTries = 400;

async function ask(socket: string, request: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await askOnce(socket, request);
    } catch (error) {
      const isEarly = ['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '');
      if (!isEarly || tries === listenTries) throw error;
      await sleep(5);
    }
  }
}

function askOnce(socket: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const connection = connect(socket, () => connection.end(request));
    connection.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    connection.once('error', reject);
    connection.once('close', () => resolve(answer));
  });
}
