/** `ctr unshare`: a command in the user namespace of the caller's containers, with mounts of its own. */
import type { Host } from '../base/host.ts';
import { startInside } from '../ns/inside.ts';
import { endOfChild, forwardSignals } from './signal-proxy.ts';
import { idMapsFor } from './user-namespace.ts';

/** Set in that namespace: `mount` works there only. */
export const unshareMark = 'CTR_UNSHARE';

/** Returns the command's exit code; it has the caller's terminal, environment and directory. */
export async function unshare(host: Host, command: readonly string[]): Promise<number> {
  // The caller is root in there; the places of the store do not follow from that.
  const places = { CTR_DATA_ROOT: host.dataRoot, CTR_RUN_ROOT: host.runRoot };
  const variables = { ...host.env, ...places, [unshareMark]: '1' };
  const env = Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  const inside = await startInside({
    maps: idMapsFor(host),
    steps: [
      { kind: 'reset-signals' },
      { kind: 'close-descriptors', preserve: 0 },
      { kind: 'exec', args: command, env },
    ],
  });
  const ended = endOfChild(inside.pid);
  forwardSignals(() => inside.pid);
  return ended;
}
