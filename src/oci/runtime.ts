/** The OCI runtime configuration (runtime-spec 1.2, config.md and config-linux.md): the part that ctr writes and runs. */
export interface RuntimeConfig {
  readonly ociVersion: string;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly root: { readonly path: string; readonly readonly?: boolean };
  readonly process: RuntimeProcess;
  readonly mounts: readonly RuntimeMount[];
  readonly linux: RuntimeLinux;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuntimeProcess {
  readonly terminal: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly additionalGids: readonly number[];
    readonly umask: number;
  };
  readonly capabilities: RuntimeCapabilities;
  readonly rlimits: ReadonlyArray<{ readonly type: string; readonly soft: number; readonly hard: number }>;
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj?: number;
}

export interface RuntimeCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable: readonly string[];
  readonly permitted: readonly string[];
  readonly ambient: readonly string[];
}

export interface RuntimeMount {
  readonly destination: string;
  /** `bind` when absent and the options say bind or rbind. */
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export type NamespaceType = 'user' | 'mount' | 'pid' | 'ipc' | 'uts' | 'network' | 'cgroup' | 'time';

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface RuntimeLinux {
  /** A namespace with a path is joined, one without is made; one that is absent is the caller's. */
  readonly namespaces: ReadonlyArray<{ readonly type: NamespaceType; readonly path?: string }>;
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly devices: ReadonlyArray<{ readonly path: string; readonly hostPath: string }>;
  readonly sysctl: Readonly<Record<string, string>>;
  readonly rootfsPropagation: string;
  /** A compiled BPF program (struct sock_filter records), kept outside the JSON: see ns/plan.ts. */
  readonly seccomp?: unknown;
}
