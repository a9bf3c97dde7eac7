/** `--cache-from` and `--cache-to` (docker-buildx-build(1), podman-build(1)). */
import { resolve } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { CacheSource, CacheTarget } from '../engine/build/build-request.ts';
import type { Compression } from '../oci/media-types.ts';
import { parseReference } from '../oci/reference.ts';
import { flagError } from './flags/flag-error.ts';
import { splitKeyValue } from './flags/key-value.ts';
import { parseInteger } from './flags/size.ts';

const kinds = ['registry', 'local', 'inline'] as const;
type Kind = (typeof kinds)[number];

interface Words {
  readonly kind: Kind;
  readonly isRepository: boolean;
  /** Takes a word out; what is left at the end is unknown. */
  take(name: string): string | undefined;
  left(): string[];
}

function wordsOf(flag: string, text: string): Words {
  // Podman names a repository, Docker lets `type=registry` be left out.
  if (!text.includes('=')) {
    const words = new Map([['ref', text]]);
    return {
      kind: 'registry',
      isRepository: true,
      take: (name) => takeOut(words, name),
      left: () => [...words.keys()],
    };
  }
  const words = new Map(text.split(',').map((word) => splitKeyValue(word.trim())));
  const type = takeOut(words, 'type') ?? '';
  const kind = kinds.find((each) => each === type);
  if (kind === undefined && ['gha', 's3', 'azblob'].includes(type)) {
    throw new CtrError('UNSUPPORTED', `${flag} type=${type}: caches are kept in registries and directories only`, {
      hint: `${flag} type=registry,ref=NAME or type=local`,
    });
  }
  if (kind === undefined) throw flagError(flag, text, `want type=${kinds.join(', ')} or a repository`);
  return { kind, isRepository: false, take: (name) => takeOut(words, name), left: () => [...words.keys()] };
}

function takeOut(words: Map<string, string | undefined>, name: string): string | undefined {
  const value = words.get(name);
  words.delete(name);
  return value;
}

export function parseCacheFrom(text: string, cwd: string): CacheSource {
  const flag = '--cache-from';
  const words = wordsOf(flag, text);
  if (words.kind === 'inline') throw flagError(flag, text, 'an inline cache is read by type=registry,ref=IMAGE');
  const source = words.kind === 'registry' ? registryOf(flag, text, words) : directoryOf(flag, text, words, 'src', cwd);
  refuseLeft(flag, text, words);
  return source;
}

export function parseCacheTo(text: string, cwd: string): CacheTarget {
  const flag = '--cache-to';
  const words = wordsOf(flag, text);
  if (words.kind === 'inline') {
    refuseLeft(flag, text, words);
    return { type: 'inline' };
  }
  const place = words.kind === 'registry' ? registryOf(flag, text, words) : directoryOf(flag, text, words, 'dest', cwd);
  const compression = compressionOf(flag, text, words.take('compression'));
  const level = words.take('compression-level');
  // What is written is always an OCI manifest, and --cache-to compresses all layers in the same way.
  for (const name of ['oci-mediatypes', 'image-manifest', 'force-compression']) {
    const value = words.take(name);
    if (value !== undefined && value !== 'true') throw flagError(flag, text, `${name} cannot be ${value}`);
  }
  const target = {
    ...place,
    mode: modeOf(flag, text, words.take('mode'), words.isRepository),
    ignoreError: words.take('ignore-error') === 'true',
    ...(compression === undefined ? {} : { compression }),
    ...(level === undefined ? {} : { compressionLevel: parseInteger(flag, level, 0, 22) }),
  };
  refuseLeft(flag, text, words);
  return target;
}

function registryOf(flag: string, text: string, words: Words): Extract<CacheSource, { type: 'registry' }> {
  const ref = words.take('ref');
  if (ref === undefined || ref === '') throw flagError(flag, text, 'type=registry wants ref=NAME');
  parseReference(ref);
  return { type: 'registry', ref };
}

function directoryOf(
  flag: string,
  text: string,
  words: Words,
  place: 'src' | 'dest',
  cwd: string,
): Extract<CacheSource, { type: 'local' }> {
  const path = words.take(place);
  if (path === undefined || path === '') throw flagError(flag, text, `type=local wants ${place}=DIRECTORY`);
  return { type: 'local', path: resolve(cwd, path), name: words.take('digest') ?? words.take('tag') ?? 'latest' };
}

/** Podman's caches hold every step. */
function modeOf(flag: string, text: string, word: string | undefined, isRepository: boolean): 'min' | 'max' {
  if (word === undefined) return isRepository ? 'max' : 'min';
  if (word === 'min' || word === 'max') return word;
  throw flagError(flag, text, 'want mode=min or mode=max');
}

function compressionOf(flag: string, text: string, word: string | undefined): Compression | undefined {
  if (word === undefined || word === 'gzip' || word === 'zstd') return word;
  if (word === 'uncompressed') return 'none';
  throw flagError(flag, text, 'want compression=gzip, zstd or uncompressed');
}

function refuseLeft(flag: string, text: string, words: Words): void {
  const [first] = words.left();
  if (first !== undefined) throw flagError(flag, text, `${first} is not known for type=${words.kind}`);
}
