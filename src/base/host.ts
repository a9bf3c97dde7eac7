/**
 * Who calls and where their things are: made once in main.ts and passed down, so that no module reads the
 * environment on its own. Directories follow the XDG base directory specification.
 */
import type { Log } from './log.ts';

export interface Host {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Images, layers, containers, volumes: `--root`, else $XDG_DATA_HOME/ctr. Survives a reboot. */
  readonly dataRoot: string;
  /** Pids, sockets, locks: `--runroot`, else $XDG_RUNTIME_DIR/ctr, else a 0700 directory in TMPDIR. Gone after a reboot. */
  readonly runRoot: string;
  readonly configHome: string;
  readonly cacheHome: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** The user's choice by `--storage-driver`, or undefined: choose by trying. */
  readonly storageDriver: string | undefined;
  /** Data roots of image stores that are only read (storage/read-only-stores.ts), the first one first. */
  readonly additionalStores: readonly string[];
}

export interface HostOptions {
  readonly root?: string | undefined;
  readonly runroot?: string | undefined;
  readonly storageDriver?: string | undefined;
  readonly additionalStores?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

export function createHost(options: HostOptions): Host {
  const { env } = options;
  const uid = process.geteuid?.() ?? 0;
  const home = env.HOME || (uid === 0 ? '/root' : `${env.TMPDIR || '/tmp'}/home-${uid}`);
  const runHome = env.XDG_RUNTIME_DIR ? `${env.XDG_RUNTIME_DIR}/ctr` : `${env.TMPDIR || '/tmp'}/ctr-run-${uid}`;
  return {
    uid,
    gid: process.getegid?.() ?? 0,
    home,
    dataRoot: options.root ?? env.CTR_DATA_ROOT ?? `${env.XDG_DATA_HOME || `${home}/.local/share`}/ctr`,
    runRoot: options.runroot ?? env.CTR_RUN_ROOT ?? runHome,
    configHome: env.XDG_CONFIG_HOME || `${home}/.config`,
    cacheHome: `${env.XDG_CACHE_HOME || `${home}/.cache`}/ctr`,
    env,
    log: options.log,
    storageDriver: options.storageDriver ?? env.CTR_STORAGE_DRIVER ?? env.STORAGE_DRIVER,
    additionalStores: options.additionalStores ?? [],
  };
}
