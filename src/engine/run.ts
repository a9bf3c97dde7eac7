/** `ctr run`: create, start, and stay with it or leave. */
import { rmSync } from 'node:fs';
import type { Host } from '../base/host.ts';
import { leaveMemory } from '../ns/heir.ts';
import { createContainer } from './create-container.ts';
import { startAttached } from './follow-container.ts';
import type { WatchPull } from './pull.ts';
import { deleteContainer } from './remove-container.ts';
import type { RunRequest } from './run-request.ts';
import { type ContainerToStart, startDetached } from './start-container.ts';

/** The caller's side of a foreground container. */
export interface Terminal {
  readonly stdinIsTty: boolean;
  readonly stdout: { readonly isTty: boolean; write(text: string): void };
  readonly watchPull?: WatchPull | undefined;
}

/** Returns the exit code for the shell: the container's own, or 0 with `--detach`. */
export async function runContainer(host: Host, request: RunRequest, terminal: Terminal): Promise<number> {
  if (request.publish.length > 0) await (await import('./published-ports.ts')).refuseTakenPorts(request);
  const created = await createContainer(host, request, terminal.watchPull);
  try {
    const exitCode = await startNew(host, created, terminal);
    leaveMemory();
    return exitCode;
  } catch (error) {
    if (request.remove) {
      await deleteContainer(host, created.container.id);
      if (request.cidFile !== undefined) rmSync(request.cidFile, { force: true });
    }
    throw error;
  }
}

async function startNew(host: Host, subject: ContainerToStart, terminal: Terminal): Promise<number> {
  const { request, container } = subject;
  if (request.requires.length > 0) {
    const { startRequired } = await import('./start-existing.ts');
    await startRequired(host, container, request);
  }
  if (!request.detach) return startAttached(host, subject);
  await startDetached(host, subject);
  terminal.stdout.write(`${container.id}\n`);
  return 0;
}
