/** The steps that make the first process what it was asked to be: an init in front of it, its files, its personality. */
import { AT_FDCWD, CLONE, IOCTL, O, PR, WNOHANG } from '../linux/constants.ts';
import type { Program } from '../linux/program.ts';
import type { UnmapVariables } from './shed-memory.ts';
import type { Step } from './steps.ts';

const processKinds = ['new-namespace', 'set-owner', 'own-stdio', 'append-file', 'reaper', 'personality'] as const;
type ProcessStep = Extract<Step, { kind: (typeof processKinds)[number] }>;

export function isProcessStep(step: Step): step is ProcessStep {
  return processKinds.some((kind) => kind === step.kind);
}

export function compileProcessStep(program: Program, step: ProcessStep, unmap: UnmapVariables): void {
  switch (step.kind) {
    case 'new-namespace':
      return program.call('unshare', [CLONE.NEWCGROUP]);
    case 'set-owner':
      program.call('fchownat', [AT_FDCWD, program.text(step.path), step.uid, step.gid, 0]);
      return program.call('fchmodat', [AT_FDCWD, program.text(step.path), step.mode]);
    case 'own-stdio':
      return ownStdio(program, step.uid);
    case 'append-file':
      return appendFile(program, step.path, step.text);
    case 'reaper':
      return reaper(program, step.terminal, unmap);
    case 'personality':
      return program.call('personality', [step.domain === 'LINUX32' ? 8 : 0]);
  }
}

/** Only a pipe has F_GETPIPE_SZ: a file of the caller's stays the caller's. One that may not be changed is left alone. */
function ownStdio(program: Program, uid: number): void {
  const [getPipeSize, sameGroup] = [1032, 0xffffffff];
  for (const fd of [0, 1, 2]) {
    const next = program.label();
    program.call('fcntl', [fd, getPipeSize, 0], { onError: next });
    program.call('fchown', [fd, uid, sameGroup], { onError: next });
    program.place(next);
  }
}

/** O_NONBLOCK: an image that has a FIFO there must not hold up the start (ENXIO). */
function appendFile(program: Program, path: string, text: string): void {
  const fd = program.variable();
  const flags = O.WRONLY | O.APPEND | O.CREAT | O.CLOEXEC | O.NONBLOCK | O.NOFOLLOW;
  program.call('openat', [AT_FDCWD, program.text(path), flags, 0o644], { into: fd });
  program.call('write', [fd, program.text(text), Buffer.byteLength(text)]);
  program.call('close', [fd]);
}

const [sigchld, sigBlock] = [17, 2];

/**
 * The command becomes a child. What stays is the init of the pid namespace: it reaps every orphan, passes signals on to
 * the command and ends with its exit status (128+n for a signal). No handler is needed: all signals are blocked and
 * taken with rt_sigtimedwait(2). It is not dumpable: what is left of ctr's memory and files is out of reach (ptrace(2)).
 */
function reaper(program: Program, terminal: boolean, unmap: UnmapVariables): void {
  const command = program.label();
  const [wait, reap, ended] = [program.label(), program.label(), program.label()];
  const [child, signal, got] = [program.variable(), program.variable(), program.variable()];
  const all = program.words([-1]);
  program.call('rt_sigprocmask', [sigBlock, all, 0, 8]);
  program.call('clone', [sigchld, 0, 0, 0, 0], { into: child, onZero: command });
  program.call('prctl', [PR.SET_DUMPABLE, 0, 0, 0, 0]);
  program.call('prctl', [PR.SET_NAME, program.text('ctr-init'), 0, 0, 0]);
  program.call('close_range', [3, 0xffffffff, 0]);
  for (const [start, bytes] of unmap) program.call('munmap', [start, bytes]);
  program.place(wait);
  program.call('rt_sigtimedwait', [all, 0, 0, 8], { into: signal, onError: wait });
  program.compare(signal, sigchld, { equal: reap });
  program.call('kill', [child, signal], { onError: wait });
  program.jump(wait);
  program.place(reap);
  const status = program.words([0]);
  program.call('wait4', [-1, status, WNOHANG, 0], { into: got, onZero: wait, onError: wait });
  program.compare(got, child, { equal: ended });
  program.jump(reap);
  program.place(ended);
  exitLike(program, status);
  program.place(command);
  if (terminal) takeTerminal(program);
}

/** wait(2): the exit code is the second byte of the status; the first is the signal, with 128 for a core dump. */
function exitLike(program: Program, status: { data: number }): void {
  const [exited, killed, dumped] = [program.label(), program.label(), program.label()];
  const word = program.field(status, 0);
  program.compare(word, 0, { equal: exited });
  program.compare(word, 128, { less: killed });
  program.compare(word, 256, { less: dumped });
  program.place(exited);
  program.call('exit_group', [program.field(status, 1)]);
  program.place(killed);
  program.add(word, 128, word);
  program.place(dumped);
  program.call('exit_group', [word]);
}

/** A process group of its own in the foreground: keys such as Ctrl-C reach the command once, not through init as well. */
function takeTerminal(program: Program): void {
  const pid = program.words([0]);
  program.call('getpid', [], { into: program.field(pid, 0) });
  program.call('setpgid', [0, 0]);
  program.call('ioctl', [0, IOCTL.TIOCSPGRP, pid]);
}
