/** What `ctr build` asks for, as plain data. */
import type { ManifestFormat } from '../../image/content.ts';
import type { AccessOptions } from '../../image/transport/registry-access.ts';
import type { Compression } from '../../oci/media-types.ts';
import type { NetworkRequest, RunRequest, UlimitRequest } from '../run-request.ts';
import type { LimitsRequest } from '../sandbox-request.ts';

export interface BuildRequest extends AccessOptions {
  /** A directory, `-` (standard input), an http(s) address or a git reference. */
  readonly context: string;
  /** `-f`: a path, `-`, or absent: Containerfile or Dockerfile of the context. */
  readonly file?: string;
  readonly cwd: string;
  /** `--build-context NAME=…`: a directory, an address, `docker-image://NAME`. */
  readonly contexts: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  /** The manifest list that the images are added to. */
  readonly manifest?: string;
  readonly attestations: readonly Attestation[];
  /** In the place of the image of the first FROM. */
  readonly from?: string;
  /** Absolute; in the place of the context's own. */
  readonly ignoreFile?: string;
  /** Of the image only: what the configuration gets and loses at the end. */
  readonly env: Readonly<Record<string, string>>;
  readonly unsetEnv: readonly string[];
  readonly unsetLabels: readonly string[];
  readonly omitHistory: boolean;
  readonly target?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly BuildAnnotation[];
  /** As formatPlatform writes them, each once; none: this machine's. */
  readonly platforms: readonly string[];
  readonly noCache: boolean;
  /** Stages whose steps are run whatever the cache has. */
  readonly noCacheFilter: readonly string[];
  readonly secrets: readonly BuildSecret[];
  /** By id. */
  readonly ssh: Readonly<Record<string, SshSource>>;
  readonly network: NetworkRequest;
  readonly addHosts: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** `--allow`: security.insecure, network.host. */
  readonly allow: readonly string[];
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly seccomp?: string;
  readonly ulimits: readonly UlimitRequest[];
  readonly shmSizeBytes: number;
  readonly devices: RunRequest['devices'];
  readonly groupAdd: readonly string[];
  readonly noHosts: boolean;
  readonly limits?: LimitsRequest;
  readonly pull: 'missing' | 'always' | 'never' | 'newer';
  readonly squash: 'no' | 'new' | 'all';
  readonly format: ManifestFormat;
  /** Seconds since 1970, `now`, or absent: the date of the base image. */
  readonly timestamp?: number | 'now';
  readonly jobs: number;
  readonly outputs: readonly BuildOutput[];
  readonly iidFile?: string;
  readonly metadataFile?: string;
  readonly push: boolean;
  readonly cacheFrom: readonly CacheSource[];
  readonly cacheTo: readonly CacheTarget[];
}

/** Where a build cache is: an artifact or image in a registry, or an OCI layout with the cache under `name`. */
export type CacheSource =
  | { readonly type: 'registry'; readonly ref: string }
  | { readonly type: 'local'; readonly path: string; readonly name: string };

export type CacheTarget =
  | { readonly type: 'inline' }
  | (CacheSource & {
      /** min: the steps of the target stage; max: of all stages. */
      readonly mode: 'min' | 'max';
      readonly compression?: Compression;
      readonly compressionLevel?: number;
      readonly ignoreError: boolean;
    });

/** An agent's socket, or files of private keys without a passphrase. */
export type SshSource =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'keys'; readonly paths: readonly string[] };

/** Where an annotation is written (docker-buildx-build(1) "--annotation"); without a platform: in each. */
export interface BuildAnnotation {
  readonly place: 'manifest' | 'index' | 'manifest-descriptor' | 'index-descriptor';
  readonly platform?: string;
  readonly key: string;
  readonly value: string;
}

export type Attestation =
  | { readonly type: 'sbom' }
  /** min: what was built from; max: the Dockerfile and the build arguments, too. */
  | { readonly type: 'provenance'; readonly mode: 'min' | 'max' };

export interface BuildSecret {
  readonly id: string;
  readonly source: { readonly kind: 'file'; readonly path: string } | { readonly kind: 'env'; readonly name: string };
}

export type BuildOutput =
  | { readonly type: 'image' | 'cacheonly' }
  /** `dest` absent: standard output. */
  | { readonly type: 'tar' | 'oci' | 'docker'; readonly dest?: string }
  | { readonly type: 'local'; readonly dest: string };
