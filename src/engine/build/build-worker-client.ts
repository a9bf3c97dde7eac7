/** The caller's end of build-worker.ts: starts it when the first order is given, and never for a build of cached steps. */
import { closeSync, createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import { ownProgram } from '../../base/entry.ts';
import type { Host } from '../../base/host.ts';
import { linesOf, restoreError } from '../../image/layer/unpack-protocol.ts';
import { pipe } from '../../linux/descriptors.ts';
import { startInside } from '../../ns/inside.ts';
import { ensureDataRoot } from '../../storage/roots.ts';
import { idMapsFor } from '../user-namespace.ts';
import type { WorkerOrder } from './worker-orders.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Started {
  readonly input: WriteStream;
  readonly over: Promise<void>;
  wait(): number;
}

export class BuildWorker {
  readonly #host: Host;
  readonly #waiting: Waiting[] = [];
  #started: Promise<Started> | undefined;
  #gone: CtrError | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Begin now what the first order will need. */
  warm(): void {
    this.#started ??= this.#start();
    this.#started.catch(() => {});
  }

  /** The answer to one order; orders are obeyed in the order in which they were given. */
  async ask<T>(order: WorkerOrder): Promise<T> {
    this.warm();
    const started = await this.#started;
    return new Promise<T>((resolve, reject) => {
      if (this.#gone) return reject(this.#gone);
      this.#waiting.push({ resolve: (value) => resolve(value as T), reject });
      started?.input.write(`${JSON.stringify(order)}\n`);
    });
  }

  async close(): Promise<void> {
    const started = await this.#started?.catch(() => undefined);
    if (!started) return;
    started.input.end();
    await started.over;
    started.wait();
  }

  async #start(): Promise<Started> {
    const host = this.#host;
    ensureDataRoot(host);
    const [ordersOut, ordersIn] = pipe();
    const [answersOut, answersIn] = pipe();
    const env = ['HOME', 'XDG_CACHE_HOME'].flatMap((name) => (host.env[name] ? [`${name}=${host.env[name]}`] : []));
    const inside = await startInside({
      maps: idMapsFor(host),
      stdio: [ordersOut, answersIn, 2],
      steps: [
        { kind: 'session' },
        { kind: 'reset-signals' },
        { kind: 'close-descriptors', preserve: 0 },
        { kind: 'exec', args: ownProgram('build-worker'), env },
      ],
    });
    closeSync(ordersOut);
    closeSync(answersIn);
    const over = this.#listen(createReadStream('', { fd: answersOut }));
    return { input: createWriteStream('', { fd: ordersIn }), over, wait: inside.wait };
  }

  async #listen(answers: AsyncIterable<Buffer | string>): Promise<void> {
    for await (const line of linesOf(answers)) {
      const { ok, value, error } = JSON.parse(line);
      const waiting = this.#waiting.shift();
      if (ok) waiting?.resolve(value);
      else waiting?.reject(restoreError(error));
    }
    this.#gone = new CtrError('STATE', 'the process that makes the layers has ended', {
      hint: 'it may have been killed for lack of memory; run the build again: finished steps are kept',
    });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#gone);
  }
}
