/** execve with the search of execvp(3): what cannot be done in JavaScript, because the file system is the container's. */
import { ERRNO } from '../linux/constants.ts';
import type { Program } from '../linux/program.ts';
import type { Step } from './steps.ts';

type ExecStep = Extract<Step, { kind: 'exec' }>;

/** execvp(3) goes on after these; any other errno ends the search at once. */
const searchGoesOn = ['ENOENT', 'ENOTDIR', 'ESTALE', 'ENODEV', 'ETIMEDOUT', 'EACCES'] as const;

export function compileExec(program: Program, step: ExecStep): void {
  const argv = program.strings(step.args);
  const envp = program.strings(step.env);
  const candidates = execCandidates(step);
  const [last] = candidates.slice(-1);
  if (candidates.length === 1 && last !== undefined) {
    return program.call('execve', [program.text(last), argv, envp]);
  }
  const [result, denied, giveUp] = [program.variable(), program.variable(), program.label()];
  for (const path of candidates) {
    const [failed, next] = [program.label(), program.label()];
    program.call('execve', [program.text(path), argv, envp], { into: result, onError: failed });
    program.place(failed);
    const wasDenied = program.label();
    program.compare(result, -ERRNO.EACCES, { equal: wasDenied });
    for (const name of searchGoesOn) program.compare(result, -ERRNO[name], { equal: next });
    program.jump(giveUp);
    program.place(wasDenied);
    program.set(denied, program.text(path));
    program.place(next);
  }
  // execvp(3): EACCES wins over "not found". Executing the denied file again reports its errno.
  const notFound = program.label();
  program.compare(denied, 0, { equal: notFound });
  program.call('execve', [denied, argv, envp]);
  program.place(notFound);
  program.place(giveUp);
  program.call('execve', [program.text(last ?? ''), argv, envp]);
}

/** Where a command is looked for when it has no PATH at all (--unsetenv-all). */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The paths that a command may mean: itself if it has a slash, else one for each directory of the container's PATH. */
export function execCandidates(step: ExecStep): string[] {
  const [command = ''] = step.args;
  if (command.includes('/') || command === '') return [command];
  const path = step.env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath;
  return path.split(':').map((directory) => `${directory || '.'}/${command}`);
}
