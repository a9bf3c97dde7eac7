/** What a supervisor executes when the container has ended and no ctr is there any more to clean up. */
import { ownProgram } from '../base/entry.ts';
import type { Host } from '../base/host.ts';

const kept = [
  'HOME',
  'PATH',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'DBUS_SESSION_BUS_ADDRESS',
];

export function cleanupProgram(host: Host, id: string): { args: string[]; env: string[] } {
  return { args: ownProgram('container', 'cleanup', id), env: ctrEnvironment(host) };
}

/** For a ctr that nobody calls: the environment that it needs to find what is the caller's. */
export function ctrEnvironment(host: Host): string[] {
  // The roots are given as they were resolved here: --root DIR means DIR/… for the user, dataRoot is the outcome.
  const roots = [`CTR_DATA_ROOT=${host.dataRoot}`, `CTR_RUN_ROOT=${host.runRoot}`];
  return [...kept.flatMap((name) => (host.env[name] ? [`${name}=${host.env[name]}`] : [])), ...roots];
}
