/** Does pasta really connect a network namespace? Makes one that waits, connects it, and lets both go. */
import { closeSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { cloneProgram, loadProgram, unloadProgram, waitFor } from '../linux/clone.ts';
import { CLONE } from '../linux/constants.ts';
import { pipe } from '../linux/descriptors.ts';
import { findExecutable } from '../linux/host-files.ts';
import { degraded, ok, type ProbeResult } from '../linux/probe.ts';
import { Program } from '../linux/program.ts';
import { writeSingleIdMap } from '../linux/user-namespace-trial.ts';
import { startPasta } from '../net/pasta.ts';

export async function probePasta(host: Host, path: string): Promise<ProbeResult> {
  const executable = findExecutable('pasta', path);
  if (executable === undefined) {
    const slirp = findExecutable('slirp4netns', path);
    const instead =
      slirp === undefined ? 'no network but none and host' : 'slirp4netns is used: slower, no source addresses';
    return degraded(`pasta not found: ${instead}`, 'install the package passt');
  }
  try {
    const startedAt = performance.now();
    await connectWaitingNamespace(host, executable);
    return ok(`${executable}, ${Math.round(performance.now() - startedAt)} ms`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return degraded(message, 'see the probe tun; otherwise use --network slirp4netns, host or none');
  }
}

async function connectWaitingNamespace(host: Host, executable: string): Promise<void> {
  const [read, write] = pipe();
  const program = new Program();
  program.call('close', [write]);
  program.call('read', [read, program.bytes(Buffer.alloc(8)), 1]);
  program.placeFailed();
  program.call('exit_group', [0]);
  const loaded = loadProgram(program);
  mkdirSync(host.runRoot, { recursive: true, mode: 0o700 });
  const directory = mkdtempSync(`${host.runRoot.replace(/\/$/, '')}-probe-`);
  let pid: number | undefined;
  try {
    pid = cloneProgram(loaded, CLONE.NEWUSER | CLONE.NEWNET);
    writeSingleIdMap(pid);
    await startPasta({ pid, directory, options: [], publish: [], hostLoopback: false }, executable, host.uid);
  } finally {
    // The directory's link is what pasta watches, the pipe's end what the namespace waits for
    rmSync(directory, { recursive: true, force: true });
    closeSync(read);
    closeSync(write);
    if (pid !== undefined) waitFor(pid);
    unloadProgram(loaded);
  }
}
