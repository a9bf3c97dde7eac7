/** `RUN --mount=type=…,…` (reference, "RUN --mount"). */
import { CtrError } from '../base/ctr-error.ts';
import { suggest } from '../base/suggest.ts';
import type { BindMount, CacheMount, Mount, SecretMount, SshMount, TmpfsMount } from './instruction.ts';

type Options = ReadonlyMap<string, string>;
type MountType = Mount['type'];

/** Each type's options; a second name for the same option leads to the first. */
const optionNames: Readonly<Record<MountType, readonly string[]>> = {
  bind: ['from', 'source', 'target', 'readonly', 'readwrite'],
  cache: ['id', 'from', 'source', 'target', 'sharing', 'mode', 'uid', 'gid', 'readonly', 'readwrite'],
  tmpfs: ['target', 'size', 'readonly', 'readwrite'],
  secret: ['id', 'source', 'target', 'env', 'required', 'mode', 'uid', 'gid'],
  ssh: ['id', 'source', 'target', 'required', 'mode', 'uid', 'gid'],
};
const aliases: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  rw: 'readwrite',
};
const switches = ['readonly', 'readwrite', 'required'];

/**
 * Without `expand` (when the file is parsed) values with variables are left out of the checks; with it they are
 * replaced first. `from` takes no variables: the graph must be known before anything runs.
 */
export function parseMount(text: string, expand?: (value: string) => string): Mount {
  const fields = csvFields(text).map(fieldOf);
  const written = new Map(fields);
  if ((written.get('from') ?? '').includes('$')) {
    throw new CtrError('INVALID', "--mount: 'from' takes no variables", {
      hint: 'give the image a stage of its own: FROM image:$TAG AS name',
    });
  }
  const type = mountType(written.get('type') ?? 'bind');
  for (const [name] of fields) checkOption(type, name);
  const known = fields
    .filter(([, value]) => expand !== undefined || !value.includes('$'))
    .map(([name, value]) => [name, expand ? expand(value) : value] as const);
  const unknown = fields.length > known.length;
  return makers[type](new Map(known), unknown);
}

function fieldOf(field: string): readonly [name: string, value: string] {
  const equals = field.indexOf('=');
  const written = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
  const name = Object.hasOwn(aliases, written) ? (aliases[written] ?? written) : written;
  if (equals >= 0) return [name, field.slice(equals + 1)];
  if (switches.includes(name)) return [name, 'true'];
  throw new CtrError('INVALID', `--mount: ${JSON.stringify(field)} is no name=value`);
}

function mountType(text: string): MountType {
  const type = text.toLowerCase();
  if (Object.hasOwn(optionNames, type)) return type as MountType;
  const types = Object.keys(optionNames);
  const [near] = suggest(type, types);
  const hint = near ? `did you mean ${near}?` : `the types are ${types.join(', ')}`;
  throw new CtrError('INVALID', `--mount: unknown type ${JSON.stringify(text)}`, { hint });
}

function checkOption(type: MountType, name: string): void {
  const names = ['type', ...optionNames[type]];
  if (names.includes(name)) return;
  const [near] = suggest(name, [...names, ...Object.keys(aliases)]);
  const hint = near ? `did you mean ${near}?` : `it takes ${optionNames[type].join(', ')}`;
  throw new CtrError('INVALID', `--mount: type=${type} takes no ${JSON.stringify(name)}`, { hint });
}

/** `incomplete`: values with variables are missing from the options, so nothing may be required of them. */
const makers: { [T in MountType]: (options: Options, incomplete: boolean) => Mount & { type: T } } = {
  bind: (options): BindMount => ({
    type: 'bind',
    ...from(options),
    source: options.get('source') ?? '/',
    target: options.get('target') || '.',
    writable: !readOnly(options, true),
  }),
  cache: (options, incomplete): CacheMount => {
    const target = required(options, 'target', incomplete);
    return {
      type: 'cache',
      id: options.get('id') || target,
      target,
      sharing: sharing(options.get('sharing') ?? 'shared'),
      ...from(options),
      source: options.get('source') ?? '/',
      ...owner(options, 0o755),
      readOnly: readOnly(options, false),
    };
  },
  tmpfs: (options, incomplete): TmpfsMount => {
    const size = options.get('size');
    return {
      type: 'tmpfs',
      target: required(options, 'target', incomplete),
      ...(size === undefined ? {} : { sizeBytes: sizeOf(size) }),
      readOnly: readOnly(options, false),
    };
  },
  secret: secretMount,
  ssh: (options): SshMount => {
    const target = options.get('target');
    return {
      type: 'ssh',
      id: options.get('id') || options.get('source') || 'default',
      ...(target === undefined ? {} : { target }),
      required: flag(options, 'required', false),
      ...owner(options, 0o600),
    };
  },
};

function secretMount(options: Options, incomplete: boolean): SecretMount {
  if (options.has('source') && options.has('id')) {
    throw new CtrError('INVALID', '--mount: id and source are the same thing', { hint: 'leave one of them out' });
  }
  const [written, env] = [options.get('target'), options.get('env')];
  const id = options.get('id') || options.get('source') || written?.split('/').at(-1) || env || '';
  if (id === '' && !incomplete) {
    throw new CtrError('INVALID', '--mount: type=secret needs an id', {
      hint: 'write id=NAME, as in ctr build --secret',
    });
  }
  const target = written ?? (env === undefined ? `/run/secrets/${id}` : undefined);
  return {
    type: 'secret',
    id,
    ...(target === undefined ? {} : { target }),
    ...(env === undefined ? {} : { env }),
    required: flag(options, 'required', false),
    ...owner(options, 0o400),
  };
}

function from(options: Options): { from?: string } {
  const value = options.get('from');
  return value ? { from: value } : {};
}

function required(options: Options, name: string, incomplete: boolean): string {
  const value = options.get(name) ?? '';
  if (value === '' && !incomplete) throw new CtrError('INVALID', `--mount: ${name} is missing`);
  return value;
}

function owner(options: Options, mode: number): { mode: number; uid: number; gid: number } {
  const octal = options.get('mode');
  if (octal !== undefined && !/^[0-7]{1,5}$/.test(octal)) {
    throw new CtrError('INVALID', `--mount: mode is octal, not ${JSON.stringify(octal)}`);
  }
  return {
    mode: octal === undefined ? mode : Number.parseInt(octal, 8),
    uid: id(options, 'uid'),
    gid: id(options, 'gid'),
  };
}

function id(options: Options, name: 'uid' | 'gid'): number {
  const text = options.get(name) ?? '0';
  if (/^\d{1,10}$/.test(text) && Number(text) < 0xffffffff) return Number(text);
  throw new CtrError('INVALID', `--mount: ${name} is a number, not ${JSON.stringify(text)}`);
}

function readOnly(options: Options, otherwise: boolean): boolean {
  return options.has('readwrite') ? !flag(options, 'readwrite', true) : flag(options, 'readonly', otherwise);
}

/** As Go's strconv.ParseBool reads it. */
function flag(options: Options, name: string, otherwise: boolean): boolean {
  const text = options.get(name);
  if (text === undefined) return otherwise;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new CtrError('INVALID', `--mount: ${name} is true or false, not ${JSON.stringify(text)}`);
}

function sharing(text: string): CacheMount['sharing'] {
  const known = (['shared', 'private', 'locked'] as const).find((each) => each === text.toLowerCase());
  if (known) return known;
  throw new CtrError('INVALID', `--mount: sharing is shared, private or locked, not ${JSON.stringify(text)}`);
}

/** docker/go-units RAMInBytes: `64m`, `1.5g`, `1024`. */
function sizeOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === '') throw new CtrError('INVALID', `--mount: invalid size ${JSON.stringify(text)}`);
  return Math.floor(Number(number) * 1024 ** ' kmgtp'.indexOf(unit.toLowerCase() || ' '));
}

/** One record of RFC 4180: quotes around a field that has commas, doubled inside. */
function csvFields(text: string): string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"(?=,|$)|([^,]*))/g)];
  const values = fields.map(([, quoted, plain = '']) => (quoted === undefined ? plain : quoted.replaceAll('""', '"')));
  return values.map((value) => value.trim()).filter((value) => value !== '');
}
