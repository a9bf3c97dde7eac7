/** What the steps of one build share, and what a stage is made of so far. */
import type { Host } from '../../base/host.ts';
import type { BuildPlan } from '../../build/graph.ts';
import type { Scope } from '../../build/scope.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import type { HistoryEntry, ImageConfig } from '../../oci/image-config.ts';
import type { StorageDriver } from '../../storage/drivers/driver.ts';
import type { OwnerKind } from '../../storage/layout.ts';
import type { Autopsy } from './autopsy.ts';
import type { BuildWatch } from './build-events.ts';
import type { BuildRequest } from './build-request.ts';
import type { BuildWorker } from './build-worker-client.ts';
import type { CachedStep } from './cache-document.ts';
import type { CacheImport } from './cache-import.ts';
import type { BuildContexts } from './contexts.ts';
import type { Emulation } from './emulation.ts';
import type { Scratch } from './scratch.ts';
import type { SshAgents } from './ssh-agents.ts';
import type { Turns } from './turns.ts';

export interface Build {
  readonly host: Host;
  readonly request: BuildRequest;
  readonly plan: BuildPlan;
  readonly platform: string;
  /** In front of a stage's name where several platforms are built. */
  readonly label: string;
  readonly worker: BuildWorker;
  readonly contexts: BuildContexts;
  readonly scratch: Scratch;
  readonly ssh: SshAgents;
  /** How many steps run at once. */
  readonly turns: Turns;
  readonly watch: BuildWatch;
  readonly signal: AbortSignal;
  readonly ownerKind: OwnerKind;
  readonly driver: StorageDriver;
  readonly beganAt: Date;
  /** With --debug. */
  readonly autopsy?: Autopsy | undefined;
  /** Finished and running stages by index. */
  readonly stages: Map<number, Promise<StageState>>;
  /** The finished stage of that index; begun if nobody has. */
  stateOf(index: number): Promise<StageState>;
  /** What is built from, by its address; without a digest where it is not known. */
  readonly materials: Map<string, Digest | undefined>;
  readonly steps: { count: number };
  /** Steps of this build by their keys, which are the same whichever platform asks: each is run once. */
  readonly made: Map<string, Promise<Made>>;
  readonly emulation: Emulation;
  /** What others have built. */
  readonly cache: CacheImport;
}

export interface StageLayer {
  readonly diffId: Digest;
  /** As the base image has it; absent for a layer made here. */
  readonly descriptor?: Descriptor;
  /** Of the plain archive, of a layer made here. */
  readonly archiveBytes?: number;
}

export interface Made {
  /** Undefined: nothing was changed. */
  readonly layer: StageLayer | undefined;
  readonly isCached: boolean;
  /** Absent: nothing had to be done. */
  readonly key?: string;
}

/** The target stage for one platform. */
export interface Finished {
  readonly build: Build;
  readonly state: StageState;
}

export interface StageState {
  /** Layers aside; `config` is what containers get. */
  readonly image: ImageConfig;
  readonly layers: readonly StageLayer[];
  readonly history: readonly HistoryEntry[];
  /** What made the layers above those of the base image. */
  readonly steps: readonly CachedStep[];
  readonly scope: Scope;
  /** Seconds; what a step makes is not newer. Absent with --timestamp now. */
  readonly newest: number | undefined;
  /** CMD of this stage; one of the base image goes when ENTRYPOINT is set. */
  readonly hasCommand: boolean;
  readonly args: Scope['args'];
}

export const diffIdsOf = (state: Pick<StageState, 'layers'>): Digest[] => state.layers.map(({ diffId }) => diffId);
