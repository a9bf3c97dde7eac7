/** Single-id mode: the owners that layers below have written down, and those of the layer that is being made. */
import { readFileSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../../base/ctr-error.ts';
import { type ByteString, fromText } from '../../image/layer/byte-string.ts';
import type { Owner } from '../../image/layer/layer-tree.ts';
import { formatOwners, type Owners, parseOwners } from '../../image/layer/owners.ts';
import { resolveIn } from './layer-stack.ts';

export class OwnerBook {
  readonly #layers: ReadonlyArray<{ readonly root: ByteString; readonly owners: Owners }>;
  readonly #own = new Map<ByteString, Owner>();

  /** `layers`: the directories of published layers; undefined where the disk shows the owners itself. */
  constructor(layers: readonly string[] | undefined) {
    this.#layers = (layers ?? []).map((layer) => ({ root: `${fromText(layer)}/`, owners: ownersBeside(layer) }));
  }

  /** Of an entry by its place on the disk. */
  lower(path: ByteString): Owner | undefined {
    const layer = this.#layers.find(({ root }) => path.startsWith(root));
    return layer?.owners.get(path.slice(layer.root.length));
  }

  /** What an entry of a container's upper directory has from the layers below: its chmod was real, a chown was not. */
  inherited(below: readonly ByteString[], name: ByteString, { mode }: Pick<Stats, 'mode'>): Owner | undefined {
    const found = resolveIn(below, name, { what: 'the image' }, false);
    const owner = found && this.lower(found.path);
    return owner && (found.stat.mode === mode ? owner : { ...owner, mode: mode & 0o7777 });
  }

  record(name: ByteString, owner: Owner): void {
    if (owner.uid === 0 && owner.gid === 0) this.#own.delete(name);
    else this.#own.set(name, owner);
  }

  get own(): ReadonlyMap<ByteString, Owner> {
    return this.#own;
  }

  text(): string {
    return formatOwners(this.#own);
  }
}

/** unpack-client.ts: `owners` lies beside `diff/`. */
function ownersBeside(layer: string): Owners {
  try {
    return parseOwners(readFileSync(`${dirname(layer)}/owners`, 'latin1'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map();
    throw error;
  }
}
