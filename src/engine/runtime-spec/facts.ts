import type { ContainerDefaults } from '../../oci/image-config.ts';
import type { IdMapping, RuntimeMount } from '../../oci/runtime.ts';
import type { MountRequest, RunRequest } from '../run-request.ts';
import type { UserFiles } from '../user-lookup.ts';

/** All that a runtime configuration is made of. */
export interface RuntimeSpecInput {
  readonly request: RunRequest;
  /** The member `config` of the image's configuration; `{}` with --rootfs. */
  readonly defaults: ContainerDefaults;
  readonly id: string;
  readonly userFiles: UserFiles;
  readonly facts: HostFacts;
}

/** What the engine found out or prepared before: nothing here is looked up by the spec itself. */
export interface HostFacts {
  readonly rootPath: string;
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  /** The capabilities that a container could get here at most. */
  readonly capabilities: readonly string[];
  readonly hostHostname: string;
  /** Host paths of the files to mount; one that is absent leaves the image's own. */
  readonly etcFiles: {
    readonly hosts?: string;
    readonly hostname?: string;
    readonly resolvConf?: string;
    readonly containerEnv?: string;
    /** With a single id: apt(8) stays root (etc-files.ts). */
    readonly aptConf?: string;
  };
  /** Device nodes that the user can open: a privileged container gets them. */
  readonly hostDevices: readonly string[];
  /** Namespaces that are joined; `sharedMemory` is the mount namespace whose /dev/shm comes with the ipc one. */
  readonly namespacePaths?: {
    readonly user?: string;
    readonly pid?: string;
    readonly ipc?: string;
    readonly uts?: string;
    readonly cgroup?: string;
    readonly network?: string;
    readonly sharedMemory?: string;
  };
  /** Which of /dev/shm and /dev/mqueue the host has, for `--ipc host`. */
  readonly sharedMemoryMounts?: readonly string[];
  /** Secrets that are files, on the host. */
  readonly secretFiles?: ReadonlyArray<{ readonly source: string; readonly target: string }>;
  /** The user of --userns=keep-id. */
  readonly keptUser?: { readonly uid: number; readonly gid: number };
  /** Of the host's /etc/passwd, for --hostuser. */
  readonly hostUserLines?: readonly string[];
  /** The host's file of the time zone. */
  readonly zoneFile?: string;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  /** What a bind, volume or image mount is on the host: a directory, an overlay, for some volumes a tmpfs. */
  sourceOf(mount: MountRequest): MountSource;
}

export type MountSource = Pick<RuntimeMount, 'type' | 'source' | 'options'>;
