/** --mount type=…,key=value,… (podman-run(1), Docker's "--mount"). */
import { globSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import type { MountRequest } from '../../engine/run-request.ts';
import { flagError } from './flag-error.ts';
import { splitKeyValue } from './key-value.ts';
import { checkMountOptions, type OptionRules } from './mount-options.ts';
import { namePattern, parseTarget } from './mount-target.ts';

/** `glob` is a bind mount for each path that the pattern finds (podman-run(1)). */
type MountType = MountRequest['type'] | 'glob';

/** What the keys of one `--mount` say, before the type's own rules are applied. */
interface Draft {
  type: MountType;
  source?: string;
  target?: string;
  readOnly?: boolean;
  subpath?: string;
  volumeDriver?: string;
  readonly volumeOptions: Record<string, string>;
  readonly words: string[];
}

/** One mount; with type=glob one for each path that is found. */
export function parseMountSpec(spec: string, cwd: string): MountRequest[] {
  const fields = splitCsv(spec).map(splitKeyValue);
  const draft: Draft = {
    type: typeOf(spec, fields.find(([key]) => key === 'type')?.[1] ?? 'volume'),
    words: [],
    volumeOptions: {},
  };
  for (const [key, value] of fields) {
    if (key !== 'type' && !applyKey(draft, spec, key, value)) {
      throw flagError('--mount', spec, `unknown key ${JSON.stringify(key)} for type=${draft.type}`);
    }
  }
  if (draft.target === undefined) throw flagError('--mount', spec, 'want target=PATH, the place in the container');
  const checked = checkWords(draft, spec);
  const source = sourceOf(draft, spec, cwd);
  const target = parseTarget('--mount', spec, draft.target);
  const readOnly = draft.readOnly ?? (draft.type === 'image' || checked.readOnly);
  const { type, subpath, volumeDriver, volumeOptions } = draft;
  if (type === 'glob') {
    return globbed(spec, source ?? '').map((path): MountRequest => {
      return {
        type: 'bind',
        source: path,
        target: `${target}/${posix.basename(path)}`,
        readOnly,
        options: checked.options,
      };
    });
  }
  const mount: MountRequest = {
    ...{ type, target, readOnly, options: checked.options },
    ...(source === undefined ? {} : { source }),
    ...(subpath === undefined ? {} : { subpath }),
    ...(volumeDriver === undefined ? {} : { volumeDriver }),
    ...(Object.keys(volumeOptions).length === 0 ? {} : { volumeOptions }),
  };
  return [mount];
}

function globbed(spec: string, pattern: string): string[] {
  const paths = globSync(pattern).sort();
  if (paths.length === 0) throw flagError('--mount', spec, `nothing matches ${pattern}`);
  return paths;
}

/** Go's encoding/csv, one record: fields may be quoted to hold commas, `""` is a quote. */
export function splitCsv(text: string): string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,"]*))(,|$)/y;
  for (let at = 0; at <= text.length; at = field.lastIndex) {
    field.lastIndex = at;
    const match = field.exec(text);
    if (match === null) throw flagError('--mount', text, 'a quote is not closed, or text follows it');
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') break;
  }
  return fields;
}

const mountTypes: readonly MountType[] = ['bind', 'volume', 'tmpfs', 'ramfs', 'devpts', 'image', 'glob'];
/** What is mounted is the host's own directory or file. */
const isBind = (type: MountType) => type === 'bind' || type === 'glob';

function typeOf(spec: string, word: string): MountType {
  const type = mountTypes.find((one) => one === word);
  if (type === undefined) throw flagError('--mount', spec, `want type= one of ${mountTypes.join(', ')}`);
  return type;
}

function applyKey(draft: Draft, spec: string, key: string, value: string | undefined): boolean {
  switch (key) {
    case 'src':
    case 'source':
      draft.source = needed(spec, key, value);
      return true;
    case 'dst':
    case 'dest':
    case 'destination':
    case 'target':
      draft.target = needed(spec, key, value);
      return true;
    case 'ro':
    case 'readonly':
      draft.readOnly = truth(spec, key, value);
      return true;
    case 'rw':
    case 'readwrite':
      draft.readOnly = !truth(spec, key, value);
      return true;
    case 'U':
    case 'chown':
      if (truth(spec, key, value)) draft.words.push('U');
      return draft.type !== 'image' && draft.type !== 'devpts';
    case 'consistency':
      return isBind(draft.type);
    default:
      return applyTypedKey(draft, spec, key, value);
  }
}

/** Keys that one type knows, or bare mount(8) words, which the rules of that type judge later. */
function applyTypedKey(draft: Draft, spec: string, key: string, value: string | undefined): boolean {
  const { type, words } = draft;
  if (isBind(type) && key === 'bind-propagation') words.push(needed(spec, key, value));
  else if (isBind(type) && key === 'bind-nonrecursive') words.push(truth(spec, key, value) ? 'bind' : 'rbind');
  else if (isBind(type) && key === 'relabel') words.push(value === 'shared' ? 'z' : 'Z');
  else if (type === 'volume' && key === 'volume-driver') draft.volumeDriver = needed(spec, key, value);
  else if (type === 'volume' && key === 'volume-opt') {
    const [name, text = ''] = splitKeyValue(needed(spec, key, value));
    draft.volumeOptions[name] = text;
  } else if (type === 'volume' && key === 'volume-nocopy') words.push(truth(spec, key, value) ? 'nocopy' : 'copy');
  else if ((type === 'volume' || type === 'image') && /^((volume|image)-)?subpath$/.test(key)) {
    draft.subpath = subpathOf(spec, needed(spec, key, value));
  } else if (isMemory(type) && /^(tmpfs-)?(size|mode)$/.test(key)) {
    words.push(`${key.replace('tmpfs-', '')}=${needed(spec, key, value)}`);
  } else if (type === 'devpts') {
    if (!/^(uid|gid|max)=\d+$|^mode=[0-7]{3,4}$/.test(`${key}=${value}`)) return false;
    words.push(`${key}=${value}`);
  } else if (type === 'image') return false;
  else words.push(value === undefined ? key : `${key}=${value}`);
  return true;
}

const isMemory = (type: MountType) => type === 'tmpfs' || type === 'ramfs';

function checkWords(draft: Draft, spec: string): { readOnly: boolean; options: readonly string[] } {
  if (draft.type === 'devpts' || draft.type === 'image') return { readOnly: false, options: draft.words };
  const rules: OptionRules = draft.type === 'ramfs' ? 'tmpfs' : draft.type === 'glob' ? 'bind' : draft.type;
  return checkMountOptions('--mount', spec, draft.words, rules);
}

function sourceOf(draft: Draft, spec: string, cwd: string): string | undefined {
  const { type, source } = draft;
  if (isBind(type) || type === 'image') {
    if (source === undefined) throw flagError('--mount', spec, `type=${type} wants source=`);
    return isBind(type) ? resolve(cwd, source) : source;
  }
  if (source === undefined) return undefined;
  if (type !== 'volume') throw flagError('--mount', spec, `type=${type} takes no source`);
  if (!namePattern.test(source)) throw flagError('--mount', spec, `${JSON.stringify(source)} is no name of a volume`);
  return source;
}

/** A path below the volume: relative to its root, and it stays in it. */
function subpathOf(spec: string, text: string): string {
  const path = posix.normalize(text).replace(/\/$/, '');
  if (path.startsWith('/') || path === '..' || path.startsWith('../')) {
    throw flagError('--mount', spec, 'the subpath must be relative and stay inside');
  }
  return path;
}

function needed(spec: string, key: string, value: string | undefined): string {
  if (value === undefined || value === '') throw flagError('--mount', spec, `want ${key}=VALUE`);
  return value;
}

function truth(spec: string, key: string, value: string | undefined): boolean {
  if (value === undefined || value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw flagError('--mount', spec, `want ${key}=true or ${key}=false`);
}
