/** A build's temporary directories, gone when it is over; after a crash the worker and collection see to them. */
import { mkdirSync } from 'node:fs';
import type { Host } from '../../base/host.ts';
import { randomHex } from '../../base/random.ts';
import { removeTreeNow } from '../../base/remove-tree.ts';
import { layout } from '../../storage/layout.ts';
import { ensureRunRoot } from '../../storage/roots.ts';
import { createStagingDirectory, reserveStaging, type Staging } from '../../storage/staging.ts';
import type { BuildWorker } from './build-worker-client.ts';

export class Scratch {
  readonly #host: Host;
  readonly #worker: BuildWorker;
  readonly #staged: Staging[] = [];
  #secrets: string | undefined;

  constructor(host: Host, worker: BuildWorker) {
    this.#host = host;
    this.#worker = worker;
  }

  /** A new empty directory beside the layers. */
  directory(): string {
    const staging = createStagingDirectory(this.#host);
    this.#staged.push(staging);
    return staging.path;
  }

  /** A name for a file that does not exist. */
  file(): string {
    const staging = reserveStaging(this.#host);
    this.#staged.push(staging);
    return staging.path;
  }

  /** A directory for secrets: private, below the runtime root, deleted by the worker if this process dies. */
  async secrets(): Promise<string> {
    if (this.#secrets !== undefined) return this.#secrets;
    ensureRunRoot(this.#host);
    const path = layout.buildRun(this.#host, randomHex(8));
    this.#secrets = path;
    await this.#worker.ask({ op: 'guard', paths: [path] });
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  /** A name in it that does not exist. */
  async secretFile(): Promise<string> {
    return `${await this.secrets()}/${randomHex(4)}`;
  }

  async remove(): Promise<void> {
    const paths = [...this.#staged.map(({ path }) => path), ...(this.#secrets === undefined ? [] : [this.#secrets])];
    const refused = paths.filter((path) => !isRemoved(path));
    if (refused.length > 0) await this.#worker.ask({ op: 'remove', paths: refused }).catch(() => undefined);
    for (const staging of this.#staged.splice(0)) staging[Symbol.dispose]();
  }
}

/** False where files of subordinate ids are in the way. */
function isRemoved(path: string): boolean {
  try {
    removeTreeNow(path);
    return true;
  } catch {
    return false;
  }
}
