/** A failed record becomes an error that names the step, what it was about, and what to do. */
import { CtrError } from '../base/ctr-error.ts';
import { errnoName, SyscallError } from '../linux/ffi.ts';
import { describeStep, type Step } from './steps.ts';

export interface StepFailure {
  /** Index into the plan's steps; -1: the supervisor's own clone. */
  readonly step: number;
  readonly call: string;
  readonly errno: number;
}

export function startError(failure: StepFailure, steps: readonly Step[]): CtrError {
  const step = steps[failure.step];
  const errno = errnoName(failure.errno);
  if (!step) {
    return new CtrError('USERNS', 'cannot create the container’s namespaces', {
      cause: new SyscallError(`${failure.call}(CLONE_NEWUSER|CLONE_NEWNS|…)`, failure.errno),
      hint: cloneHints[errno] ?? 'see `ctr doctor`',
    });
  }
  const cause = new SyscallError(`${failure.call}: ${step.kind} ${describeStep(step)}`, failure.errno);
  if (step.kind === 'exec') return execError(step, errno, cause);
  return new CtrError('START', `cannot start the container: ${step.kind} ${describeStep(step)}`, {
    cause,
    hint: hintFor(step, errno),
  });
}

/** podman-run(1) "Exit Status": 127 not found, 126 cannot be invoked. */
function execError(step: Extract<Step, { kind: 'exec' }>, errno: string, cause: SyscallError): CtrError {
  const [command = ''] = step.args;
  const quoted = JSON.stringify(command);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    const where = command.includes('/') ? '' : ' in $PATH of the container';
    return new CtrError('COMMAND_NOT_FOUND', `executable ${quoted} not found${where}`, {
      exitCode: 127,
      cause,
      hint: 'a script whose interpreter is missing, or a binary for another libc, is "not found" too',
    });
  }
  const hints: Readonly<Record<string, string>> = {
    ENOEXEC: 'not a binary for this machine, or a script without #!',
    EACCES: 'a directory, or a file without execute permission for this user',
  };
  return new CtrError('NOT_EXECUTABLE', `cannot execute ${quoted}`, { exitCode: 126, cause, hint: hints[errno] });
}

const cloneHints: Readonly<Record<string, string>> = {
  EPERM: 'this kernel or its AppArmor policy forbids unprivileged user namespaces; see `ctr doctor`',
  ENOSPC: 'the limit on user namespaces is reached: raise sysctl user.max_user_namespaces',
  EINVAL: 'the kernel lacks one of the namespaces; see `ctr doctor`',
  EAGAIN: 'too many processes: raise `ulimit -u`',
};

function hintFor(step: Step, errno: string): string {
  if (step.kind === 'overlay') {
    return 'overlay in a user namespace needs kernel 5.11 and a local file system; `--storage-driver fuse-overlayfs` or `vfs` go without (`ctr doctor` tells)';
  }
  if (step.kind === 'new-filesystem' && step.type === 'proc' && errno === 'EPERM') {
    return 'the outer container masks /proc: run it with --security-opt unmask=ALL (docker: systempaths=unconfined)';
  }
  if (step.kind === 'user' && errno === 'EINVAL') {
    return 'the id is outside of the user namespace: more subordinate ids are needed in /etc/subuid and /etc/subgid';
  }
  if ((step.kind === 'make-directory' || step.kind === 'make-file') && ['EACCES', 'EOVERFLOW'].includes(errno)) {
    return 'the directory belongs to a user outside of the user namespace: the root file system has to be your own';
  }
  if (step.kind === 'attach' || step.kind === 'make-directory' || step.kind === 'make-file') {
    return 'the image has something in the way of this mount point';
  }
  if (step.kind === 'clone-tree' && errno === 'ENOENT') return 'the source of the mount does not exist';
  return 'see `ctr doctor`; `ctr run --explain` shows all steps';
}
