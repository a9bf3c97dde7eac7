/** Platforms of images (image-spec image-index.md "platform") and the choice of one image out of an index. */
import { CtrError } from '../base/ctr-error.ts';
import { array, type Check, object, optional, string } from './check.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

export const platform: Check<Platform> = object({
  os: string,
  architecture: string,
  variant: optional(string),
  'os.version': optional(string),
  'os.features': optional(array(string)),
});

const architectureNames: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  i386: ['386'],
  ia32: ['386'],
};

/** `os/arch[/variant]`, or only an architecture, or only `linux`; what is left out is the host's. */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const parts = text.split('/');
  const [first = '', second, variant] = parts;
  if (parts.length > 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) {
    throw new CtrError('USAGE', `invalid platform ${JSON.stringify(text)}`, { hint: 'write os/arch[/variant]' });
  }
  if (second !== undefined) return normalise(first, second, variant);
  if (first.toLowerCase() === host.os) return host;
  return normalise(host.os, first, undefined);
}

/** The platform that this process runs on, in the names of Go. */
export function hostPlatform(nodeArchitecture: string = process.arch): Platform {
  return normalise('linux', nodeArchitecture, undefined);
}

/** `linux/arm64`, `linux/arm/v7`. */
export function formatPlatform(of: Platform): string {
  return [of.os, of.architecture, of.variant].filter((part) => part).join('/');
}

/** Whether an image made for `offered` runs where `wanted` is asked for; variants count downwards (arm v7 runs v6). */
export function platformMatches(wanted: Platform, offered: Platform): boolean {
  return rank(wanted, offered) !== undefined;
}

/**
 * The entry of an index that fits `wanted` best: the same variant first, then the next lower one; an entry that
 * names no platform only when nothing else fits. Undefined when none does.
 */
export function choosePlatform<E extends { readonly platform?: Platform }>(
  wanted: Platform,
  entries: readonly E[],
): E | undefined {
  let best: E | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const entryRank = entry.platform === undefined ? Number.MAX_VALUE : rank(wanted, entry.platform);
    if (entryRank === undefined || entryRank >= bestRank) continue;
    best = entry;
    bestRank = entryRank;
  }
  return best;
}

function rank(wanted: Platform, offered: Platform): number | undefined {
  const normal = normalise(offered.os, offered.architecture, offered.variant);
  const at = acceptable(wanted).indexOf(formatPlatform(normal));
  return at < 0 ? undefined : at;
}

/** What runs on `wanted`, best first: arm is backward compatible, and so are the levels of amd64. */
function acceptable(wanted: Platform): string[] {
  const { os, architecture, variant } = normalise(wanted.os, wanted.architecture, wanted.variant);
  const exact = formatPlatform({ os, architecture, ...(variant ? { variant } : {}) });
  const level = Number(/^v(\d+)$/.exec(variant ?? '')?.[1] ?? 0);
  const lowest = architecture === 'arm' ? 5 : 2;
  const lower: string[] = [];
  for (let next = level - 1; next >= lowest; next--) lower.push(`${os}/${architecture}/v${next}`);
  return architecture === 'arm' ? [exact, ...lower] : [...new Set([exact, ...lower, `${os}/${architecture}`])];
}

/** One spelling for each platform: arm64 is arm64/v8, amd64 is amd64/v1, arm alone is arm/v7. */
function normalise(os: string, architecture: string, variant: string | undefined): Platform {
  const lower = architecture.toLowerCase();
  const [name, impliedVariant] = (Object.hasOwn(architectureNames, lower) && architectureNames[lower]) || [lower];
  let level = (variant ?? impliedVariant ?? '').toLowerCase();
  if (/^\d+$/.test(level)) level = `v${level}`;
  if ((name === 'arm64' && level === 'v8') || (name === 'amd64' && level === 'v1')) level = '';
  if (name === 'arm' && level === '') level = 'v7';
  return { os: os.toLowerCase(), architecture: name, ...(level === '' ? {} : { variant: level }) };
}
