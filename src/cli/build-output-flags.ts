/** `--output` (docker-buildx-build(1), podman-build(1)): where what is built goes. */
import type { BuildAnnotation, BuildOutput } from '../engine/build/build-request.ts';
import { flagError } from './flags/flag-error.ts';
import { splitKeyValue } from './flags/key-value.ts';

export interface ParsedOutput {
  readonly output: BuildOutput;
  readonly names: readonly string[];
  readonly push: boolean;
  readonly annotations: readonly BuildAnnotation[];
}

const plain = { names: [], push: false, annotations: [] };

/** Words that ask for what ctr does anyway. */
const settled: Readonly<Record<string, string>> = {
  'oci-mediatypes': 'true',
  'rewrite-timestamp': 'true',
  store: 'true',
  unpack: 'true',
  tar: 'true',
};

/** `type=…,dest=…`, a directory, or `-` for an archive on standard output. */
export function parseOutput(text: string): ParsedOutput {
  if (text === '-') return { ...plain, output: { type: 'tar' } };
  if (!text.includes('=')) return { ...plain, output: { type: 'local', dest: text } };
  const words = new Map(fieldsOf(text).map((word) => splitKeyValue(word)));
  const take = (name: string) => {
    const value = words.get(name);
    words.delete(name);
    return value;
  };
  const [type = 'local', dest] = [take('type'), take('dest')];
  const names = (take('name') ?? '').split(',').filter(Boolean);
  const push = take('push') === 'true' || type === 'registry';
  const annotations = annotationsIn(words);
  const output = outputOf(text, type, dest);
  for (const [name, value] of words) {
    if (settled[name] === value) continue;
    throw flagError('--output', text, `${name}${value === undefined ? '' : `=${value}`} is not known for type=${type}`);
  }
  return { output, names, push, annotations };
}

function outputOf(text: string, type: string, dest: string | undefined): BuildOutput {
  switch (type) {
    case 'image':
    case 'registry':
    case 'cacheonly':
      if (dest !== undefined) throw flagError('--output', text, `type=${type} has no dest`);
      return { type: type === 'cacheonly' ? type : 'image' };
    case 'local':
      if (dest === undefined) throw flagError('--output', text, 'type=local wants dest=DIRECTORY');
      return dest === '-' ? { type: 'tar' } : { type, dest };
    case 'tar':
    case 'oci':
    case 'docker':
      return { type, ...(dest === undefined || dest === '-' ? {} : { dest }) };
    default:
      throw flagError('--output', text, 'want type=image, local, tar, oci, docker, registry or cacheonly');
  }
}

/** Fields between commas; one in double quotes may have commas in it (RFC 4180). */
function fieldsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"]|"")*)"|[^,]+/g)].map(([whole, quoted]) => quoted?.replaceAll('""', '"') ?? whole);
}

/** `annotation.KEY=VALUE`, `annotation-index.KEY=VALUE`; what is found is taken out. */
function annotationsIn(words: Map<string, string | undefined>): BuildAnnotation[] {
  return [...words].flatMap(([name, value = '']) => {
    const [, place = 'manifest', key] = /^annotation(?:-(manifest|index))?\.(.+)$/.exec(name) ?? [];
    if (key === undefined) return [];
    words.delete(name);
    return [{ place: place === 'index' ? ('index' as const) : ('manifest' as const), key, value }];
  });
}
