/** Whether an ipvlan network could be used: asked when it is made, because neither every kernel nor every netavark has it. */
import { spawnSync } from 'node:child_process';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { CLONE } from '../linux/constants.ts';
import { startInside } from '../ns/inside.ts';
import { requireNetworkProgram } from './network-programs.ts';
import { idMapsFor } from './user-namespace.ts';

/** UNSUPPORTED with what is lacking; nothing has been made then, and nothing is left of the trial. */
export async function requireIpvlan(host: Host): Promise<void> {
  if (!(await kernelHasIpvlan(host))) {
    throw new CtrError('UNSUPPORTED', 'this kernel has no ipvlan', {
      hint: 'it is the module ipvlan, which root may load; macvlan is the driver nearest to it',
    });
  }
  const { stdout } = spawnSync(requireNetworkProgram(host, 'netavark'), ['--version'], { encoding: 'utf8' });
  if (!knowsIpvlan(stdout)) {
    throw new CtrError('UNSUPPORTED', `${stdout.trim()} has no driver ipvlan`, {
      hint: 'netavark 1.5 has it; macvlan is the driver nearest to it',
    });
  }
}

/** `netavark 1.4.0` does not, 1.5 does. */
export function knowsIpvlan(version: string): boolean {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 1 || Number(minor) >= 5;
}

/** On a bridge, as it would be in the holder, in namespaces that go with the command. ip-link(8) */
async function kernelHasIpvlan(host: Host): Promise<boolean> {
  const script = '"$0" link add name parent type bridge && "$0" link add link parent name trial type ipvlan';
  const args = ['/bin/sh', '-c', `{ ${script}; } 2>/dev/null`, requireNetworkProgram(host, 'ip')];
  const inside = await startInside({
    maps: idMapsFor(host),
    cloneFlags: CLONE.NEWNET,
    steps: [{ kind: 'reset-signals' }, { kind: 'close-descriptors', preserve: 0 }, { kind: 'exec', args, env: [] }],
  });
  return inside.wait() === 0;
}
