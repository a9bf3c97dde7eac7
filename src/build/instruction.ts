/**
 * The instructions of a Dockerfile as data (Dockerfile reference, frontend 1.2x). The parser fills them with words as
 * written; `expandInstruction` returns the same types with the variables replaced and the quotes removed.
 */
import type { SourceRange } from './source-range.ts';

export type Instruction =
  | FromInstruction
  | ArgInstruction
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | EnvInstruction
  | LabelInstruction
  | ExposeInstruction
  | UserInstruction
  | WorkdirInstruction
  | VolumeInstruction
  | CmdInstruction
  | EntrypointInstruction
  | ShellInstruction
  | StopsignalInstruction
  | HealthcheckInstruction
  | OnbuildInstruction
  | MaintainerInstruction;

/** What stands inside a stage: everything but FROM. */
export type StageInstruction = Exclude<Instruction, FromInstruction>;
export type InstructionKind = Instruction['kind'];

export interface InstructionBase {
  /** From the keyword to the end of the last line (of the last here-document too). */
  readonly source: SourceRange;
  /** The instruction on one line: continuations joined, comments gone, variables as written. For history and progress. */
  readonly text: string;
  /** The keyword as it was written: `Run`. */
  readonly keyword: string;
  /** The comment lines directly above, without `#` and the space behind it. */
  readonly comment: readonly string[];
}

/** `FROM [--platform=P] IMAGE [AS NAME]`. */
export interface FromInstruction extends InstructionBase {
  readonly kind: 'from';
  readonly image: string;
  readonly platform?: string;
  /** In lower case, as stage names are compared. */
  readonly name?: string;
  /** As it was written, and the word `AS` before it. */
  readonly writtenName?: string;
  readonly asKeyword?: string;
}

/** `ARG NAME[=DEFAULT]…`. */
export interface ArgInstruction extends InstructionBase {
  readonly kind: 'arg';
  readonly args: readonly { readonly name: string; readonly value?: string }[];
}

/** What RUN, CMD, ENTRYPOINT and HEALTHCHECK CMD carry. */
export type Command =
  /** `["a", "b"]`: no shell. */
  | { readonly form: 'exec'; readonly words: readonly string[] }
  /** One argument for the SHELL; here-documents are part of it, as the shell reads them. */
  | { readonly form: 'shell'; readonly line: string }
  /**
   * RUN with only a here-document that begins with `#!`: it becomes an executable file, which the SHELL is given the
   * path of. BuildKit puts it at `/dev/pipes/NAME`.
   */
  | { readonly form: 'script'; readonly name: string; readonly content: string };

export interface RunInstruction extends InstructionBase {
  readonly kind: 'run';
  readonly command: Command;
  readonly mounts: readonly Mount[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  /** `--device=NAME[,required]`: CDI devices. */
  readonly devices: readonly { readonly name: string; readonly required: boolean }[];
  /** The `--mount` values as written: their variables are expanded, then `mounts` is made from them. */
  readonly mountTexts: readonly string[];
}

export type Mount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

/** Content of the build context (no `from`), of a stage, image or named context; never written back. */
export interface BindMount {
  readonly type: 'bind';
  readonly from?: string;
  /** A path inside `from`; default `/`. */
  readonly source: string;
  /** Relative to the working directory; the working directory itself when left out. */
  readonly target: string;
  /** Writes are allowed and then discarded. */
  readonly writable: boolean;
}

export interface CacheMount {
  readonly type: 'cache';
  readonly id: string;
  readonly target: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  /** What a new cache begins with. */
  readonly from?: string;
  readonly source: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly readOnly: boolean;
}

export interface TmpfsMount {
  readonly type: 'tmpfs';
  readonly target: string;
  readonly sizeBytes?: number;
  readonly readOnly: boolean;
}

/** A file, an environment variable, or both. */
export interface SecretMount {
  readonly type: 'secret';
  readonly id: string;
  /** Absent when only `env` was asked for. */
  readonly target?: string;
  readonly env?: string;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface SshMount {
  readonly type: 'ssh';
  readonly id: string;
  /** Where the agent's socket appears, and what SSH_AUTH_SOCK says; default `/run/buildkit/ssh_agent.N`. */
  readonly target?: string;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type CopySource =
  | { readonly kind: 'path'; readonly path: string }
  /** ADD only: http or https; the file name is the last part of the path. */
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'git'; readonly git: GitReference }
  /** A here-document: a file of that name; `verbatim` (quoted delimiter) means that no variable is expanded. */
  | { readonly kind: 'inline'; readonly name: string; readonly content: string; readonly verbatim: boolean };

/** `https://host/repo.git?branch=x&subdir=y#REF:SUBDIR`, `git@host:repo`, `ssh://…`, `git://…`. */
export interface GitReference {
  /** The address as it was written. */
  readonly written: string;
  /** What `git fetch` is given. */
  readonly remote: string;
  /** A branch, tag or commit; absent: the remote's HEAD. */
  readonly ref?: string;
  /** Fails unless the reference resolves to this commit (prefix). */
  readonly commit?: string;
  readonly subdirectory?: string;
  readonly keepGitDir?: boolean;
  readonly submodules?: boolean;
}

interface CopyFlags extends InstructionBase {
  readonly sources: readonly CopySource[];
  readonly destination: string;
  /** `USER[:GROUP]`, names or numbers; absent: 0:0. */
  readonly chown?: string;
  /** Octal, or symbolic (`u=rwX,go=rX`): `parseModeChange` reads it. */
  readonly chmod?: string;
  /** The layer does not depend on the ones below; symbolic links of the base are not followed. */
  readonly link: boolean;
  readonly exclude: readonly string[];
}

export interface CopyInstruction extends CopyFlags {
  readonly kind: 'copy';
  /** A stage's name or number, an image, or a named context; absent: the build context. */
  readonly from?: string;
  /** Keep the source's directories; `/./` in it says where the kept part begins. */
  readonly parents: boolean;
}

export interface AddInstruction extends CopyFlags {
  readonly kind: 'add';
  readonly keepGitDir: boolean;
  readonly parents: boolean;
  /** `sha256:…` of a URL's content, or the commit of a git reference. */
  readonly checksum?: string;
  /** Absent: local archives are extracted, downloaded ones are not. */
  readonly unpack?: boolean;
}

export interface Pair {
  readonly key: string;
  readonly value: string;
}

export interface EnvInstruction extends InstructionBase {
  readonly kind: 'env';
  readonly pairs: readonly Pair[];
  /** `ENV key the rest`, the form without `=`. */
  readonly legacy: boolean;
}

export interface LabelInstruction extends InstructionBase {
  readonly kind: 'label';
  readonly pairs: readonly Pair[];
  readonly legacy: boolean;
}

/** Words as written, `8000-8010/tcp`; `exposedPorts` makes the keys of the image's configuration from them. */
export interface ExposeInstruction extends InstructionBase {
  readonly kind: 'expose';
  readonly ports: readonly string[];
}

export interface UserInstruction extends InstructionBase {
  readonly kind: 'user';
  readonly user: string;
}

/** A relative path is relative to the WORKDIR before. */
export interface WorkdirInstruction extends InstructionBase {
  readonly kind: 'workdir';
  readonly path: string;
}

export interface VolumeInstruction extends InstructionBase {
  readonly kind: 'volume';
  readonly paths: readonly string[];
}

export interface CmdInstruction extends InstructionBase {
  readonly kind: 'cmd';
  readonly command: Command;
}

export interface EntrypointInstruction extends InstructionBase {
  readonly kind: 'entrypoint';
  readonly command: Command;
}

export interface ShellInstruction extends InstructionBase {
  readonly kind: 'shell';
  readonly words: readonly string[];
}

export interface StopsignalInstruction extends InstructionBase {
  readonly kind: 'stopsignal';
  readonly signal: string;
}

/** Times in nanoseconds, as the image's configuration has them; absent: inherited. */
export interface HealthcheckInstruction extends InstructionBase {
  readonly kind: 'healthcheck';
  /** Absent for `HEALTHCHECK NONE`. */
  readonly command?: Command;
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  readonly startIntervalNs?: number;
  readonly retries?: number;
}

/** The trigger is kept as text (it goes into the configuration so) and was parsed once, to find its errors. */
export interface OnbuildInstruction extends InstructionBase {
  readonly kind: 'onbuild';
  readonly trigger: string;
}

export interface MaintainerInstruction extends InstructionBase {
  readonly kind: 'maintainer';
  readonly name: string;
}
