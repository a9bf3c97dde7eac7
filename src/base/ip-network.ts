/** Addresses and subnets of IPv4 and IPv6 (RFC 4632, RFC 4291 section 2.2) as numbers. Pure. */
import { CtrError } from './ctr-error.ts';

export type IpVersion = 4 | 6;

export interface IpNetwork {
  readonly version: IpVersion;
  /** The first address: host bits are zero. */
  readonly first: bigint;
  readonly last: bigint;
  readonly prefix: number;
}

const widthOf = (version: IpVersion) => (version === 4 ? 32 : 128);

/** The address as a number; undefined when `text` is none. */
export function parseIp(text: string): { readonly version: IpVersion; readonly value: bigint } | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    if (bytes.some((byte) => byte > 255)) return undefined;
    return { version: 4, value: bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) };
  }
  const groups = ipv6Groups(text);
  return groups && { version: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

function ipv6Groups(text: string): number[] | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted && parseIp(dotted[2] ?? '');
  const plain = tail ? `${dotted[1]}${(tail.value >> 16n).toString(16)}:${(tail.value & 0xffffn).toString(16)}` : text;
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], rest = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const words = [...head, ...Array.from({ length: missing }, () => '0'), ...rest];
  return words.every((word) => /^[\da-f]{1,4}$/i.test(word))
    ? words.map((word) => Number.parseInt(word, 16))
    : undefined;
}

/** RFC 5952: lower case, the longest run of zero groups as `::`. */
export function formatIp(version: IpVersion, value: bigint): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - at * 16)) & 0xffffn).toString(16));
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.sort((a, b) => b.replace(/^:/, '').length - a.replace(/^:/, '').length)[0];
  if (longest === undefined) return text;
  return text.replace(longest, '::').replace(/:{3,}/, '::');
}

/** `10.89.0.0/24`; host bits are cut off, as Podman does. Undefined when `text` is no subnet. */
export function parseSubnet(text: string): IpNetwork | undefined {
  const [address = '', prefixText = '', ...more] = text.split('/');
  const ip = parseIp(address);
  if (!ip || more.length > 0 || !/^\d{1,3}$/.test(prefixText)) return undefined;
  const width = widthOf(ip.version);
  const prefix = Number(prefixText);
  if (prefix > width) return undefined;
  const hostBits = BigInt(width - prefix);
  const first = (ip.value >> hostBits) << hostBits;
  return { version: ip.version, first, last: first + (1n << hostBits) - 1n, prefix };
}

/** As parseSubnet, of text that was checked before. */
export function subnetOf(text: string): IpNetwork {
  const subnet = parseSubnet(text);
  if (!subnet) throw new CtrError('INVALID', `${JSON.stringify(text)} is no subnet`);
  return subnet;
}

export const formatSubnet = ({ version, first, prefix }: IpNetwork): string => `${formatIp(version, first)}/${prefix}`;

export function contains(network: IpNetwork, address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && ip.version === network.version && ip.value >= network.first && ip.value <= network.last;
}

export const overlaps = (a: IpNetwork, b: IpNetwork): boolean =>
  a.version === b.version && a.first <= b.last && b.first <= a.last;
