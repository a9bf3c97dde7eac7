/** What fetching and finding contexts needs. */
import type { Host } from '../../base/host.ts';
import type { BuildWorker } from './build-worker-client.ts';
import type { Scratch } from './scratch.ts';
import type { SshAgents } from './ssh-agents.ts';

export interface ContextTools {
  readonly host: Host;
  readonly scratch: Scratch;
  readonly worker: BuildWorker;
  readonly ssh: SshAgents;
  readonly signal: AbortSignal;
}

export interface FoundDockerfile {
  readonly text: string;
  /** For messages. */
  readonly name: string;
}
