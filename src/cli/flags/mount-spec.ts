/** --mount type=…,key=value,… (podman-run(1), Docker's "--mount"). */
import { posix, resolve } from 'node:path';
import type { MountRequest } from '../../engine/run-request.ts';
import { flagError } from './flag-error.ts';
import { splitKeyValue } from './key-value.ts';
import { checkMountOptions, type OptionRules } from './mount-options.ts';
import { namePattern, parseTarget } from './mount-target.ts';

type MountType = MountRequest['type'];

/** What the keys of one `--mount` say, before the type's own rules are applied. */
interface Draft {
  type: MountType;
  source?: string;
  target?: string;
  readOnly?: boolean;
  subpath?: string;
  readonly words: string[];
}

export function parseMountSpec(spec: string, cwd: string): MountRequest {
  const fields = splitCsv(spec).map(splitKeyValue);
  const draft: Draft = { type: typeOf(spec, fields.find(([key]) => key === 'type')?.[1] ?? 'volume'), words: [] };
  for (const [key, value] of fields) {
    if (key !== 'type' && !applyKey(draft, spec, key, value)) {
      throw flagError('--mount', spec, `unknown key ${JSON.stringify(key)} for type=${draft.type}`);
    }
  }
  if (draft.target === undefined) throw flagError('--mount', spec, 'want target=PATH, the place in the container');
  const checked = checkWords(draft, spec);
  const source = sourceOf(draft, spec, cwd);
  return {
    type: draft.type,
    ...(source === undefined ? {} : { source }),
    target: parseTarget('--mount', spec, draft.target),
    readOnly: draft.readOnly ?? (draft.type === 'image' || checked.readOnly),
    options: checked.options,
    ...(draft.subpath === undefined ? {} : { subpath: draft.subpath }),
  };
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

const mountTypes: readonly MountType[] = ['bind', 'volume', 'tmpfs', 'ramfs', 'devpts', 'image'];

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
      return draft.type === 'bind';
    default:
      return applyTypedKey(draft, spec, key, value);
  }
}

/** Keys that one type knows, or bare mount(8) words, which the rules of that type judge later. */
function applyTypedKey(draft: Draft, spec: string, key: string, value: string | undefined): boolean {
  const { type, words } = draft;
  if (type === 'bind' && key === 'bind-propagation') words.push(needed(spec, key, value));
  else if (type === 'bind' && key === 'bind-nonrecursive') words.push(truth(spec, key, value) ? 'bind' : 'rbind');
  else if (type === 'bind' && key === 'relabel') words.push(value === 'shared' ? 'z' : 'Z');
  else if (type === 'volume' && key === 'volume-nocopy') words.push(truth(spec, key, value) ? 'nocopy' : 'copy');
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
  const rules: OptionRules = draft.type === 'ramfs' ? 'tmpfs' : draft.type;
  return checkMountOptions('--mount', spec, draft.words, rules);
}

function sourceOf(draft: Draft, spec: string, cwd: string): string | undefined {
  const { type, source } = draft;
  if (type === 'bind' || type === 'image') {
    if (source === undefined) throw flagError('--mount', spec, `type=${type} wants source=`);
    return type === 'bind' ? resolve(cwd, source) : source;
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
