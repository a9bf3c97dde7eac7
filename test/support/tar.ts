/**
 * Archives by code, also ones that no tar program would write. Written apart from src/image/layer on purpose:
 * a mistake there must not be repeated here.
 */
export interface TarItem {
  readonly name: string | Buffer;
  /** The type flag; a file when absent. */
  readonly flag?: string;
  readonly content?: string | Buffer;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** Put into the size field as it is, instead of the content's length. */
  readonly size?: string;
  readonly device?: readonly [number, number];
  /** A PAX header before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  readonly magic?: string;
}

export const file = (name: string, content = '', more: Partial<TarItem> = {}): TarItem => ({ name, content, ...more });
export const directory = (name: string, more: Partial<TarItem> = {}): TarItem => ({
  name,
  flag: '5',
  mode: 0o755,
  ...more,
});
export const symlink = (name: string, link: string): TarItem => ({ name, flag: '2', link, mode: 0o777 });
export const hardlink = (name: string, link: string): TarItem => ({ name, flag: '1', link });

const endMarker = Buffer.alloc(1024);

/** A whole archive with its end marker. */
export function tarOf(...items: readonly TarItem[]): Buffer {
  return Buffer.concat([...items.map(tarItem), endMarker]);
}

/** The blocks of one entry. */
export function tarItem(item: TarItem): Buffer {
  const body = Buffer.from(item.content ?? '');
  const pax = item.pax
    ? tarItem({ name: 'PaxHeader', flag: 'x', content: Buffer.concat(Object.entries(item.pax).map(paxRecord)) })
    : Buffer.alloc(0);
  return Buffer.concat([pax, header(item, body.length), pad(body)]);
}

export function paxRecord([key, value]: readonly [string, string | Buffer]): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let total = rest.length + 1;
  while (String(total).length + rest.length !== total) total = String(total).length + rest.length;
  return Buffer.concat([Buffer.from(String(total)), rest]);
}

export function pad(body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

function header(item: TarItem, length: number): Buffer {
  const block = Buffer.alloc(512);
  const put = (text: string | Buffer, at: number) => Buffer.from(text).copy(block, at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  put(item.name, 0);
  put(octal(item.mode ?? 0o644, 7), 100);
  put(octal(item.uid ?? 0, 7), 108);
  put(octal(item.gid ?? 0, 7), 116);
  put(item.size ?? octal(length, 11), 124);
  put(octal(item.mtime ?? 1_700_000_000, 11), 136);
  put(item.flag ?? '0', 156);
  put(item.link ?? '', 157);
  put(item.magic ?? 'ustar\x0000', 257);
  put(octal(item.device?.[0] ?? 0, 7), 329);
  put(octal(item.device?.[1] ?? 0, 7), 337);
  return sealed(block);
}

/** Write the checksum of a block that was changed by hand. */
export function sealed(block: Buffer): Buffer {
  block.fill(32, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
