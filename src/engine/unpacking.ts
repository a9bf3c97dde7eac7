/** Who unpacks layers, and how their owners are kept. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { LayerUnpacker } from '../image/layer-unpacker.ts';
import type { OwnerKind } from '../storage/layout.ts';

export interface Unpacking {
  readonly ownerKind: OwnerKind;
  /** Called once, and only if a layer has to be unpacked. */
  readonly unpacker: () => Promise<LayerUnpacker>;
}

export async function unpackingFor(_host: Host): Promise<Unpacking> {
  throw new CtrError('UNSUPPORTED', 'layers cannot be unpacked by this build');
}
