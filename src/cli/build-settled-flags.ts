/** Flags of `docker build` and `podman build` that ask for what ctr does anyway; another value is refused. */
import { CtrError } from '../base/ctr-error.ts';
import { type FlagSet, parseFlag } from './flag-set.ts';

interface SettledFlag {
  readonly flags: string;
  /** What may be asked for; absent: anything, since it changes nothing that can be seen. */
  readonly accepts?: readonly string[];
  readonly why: string;
}

const settled: readonly SettledFlag[] = [
  { flags: '--rm', why: 'containers of steps never stay' },
  { flags: '--force-rm', why: 'containers of steps never stay' },
  { flags: '--compress', why: 'the context is sent to nobody' },
  { flags: '--disable-content-trust', why: 'Notary signatures are not checked' },
  {
    flags: '--layers',
    accepts: ['true'],
    why: 'every step is a layer; --no-cache runs every step, --squash-all makes one layer',
  },
  { flags: '--skip-unused-stages', accepts: ['true'], why: 'what the target does not need is never built' },
  { flags: '--disable-compression', accepts: ['true'], why: 'layers are compressed when they are pushed' },
  {
    flags: '--rewrite-timestamp',
    accepts: ['true'],
    why: 'no file is newer than the image; --timestamp now keeps times',
  },
  { flags: '--identity-label', accepts: ['false'], why: 'ctr adds no label of its own' },
  { flags: '--inherit-labels', accepts: ['true'], why: 'labels of the base image stay; --unsetlabel takes one away' },
  { flags: '--inherit-annotations', accepts: ['false'], why: 'annotations of the base image are not taken over' },
  { flags: '--created-annotation', accepts: ['false'], why: 'the date is in the configuration only' },
  { flags: '--builder <name>', accepts: ['default', ''], why: 'there are no builder instances' },
  { flags: '--isolation <kind>', accepts: ['default', 'oci', 'rootless'], why: 'RUN has the isolation of `ctr run`' },
];

export function declareSettledFlags(command: FlagSet): void {
  for (const { flags, why } of settled) command.option(flags, `accepted: ${why}`);
}

export function checkSettledFlags(options: object): void {
  const given = new Map(Object.entries(options));
  for (const { flags, accepts, why } of settled) {
    const { key, names } = parseFlag(flags);
    const value = given.get(key);
    if (value === undefined || accepts === undefined || accepts.includes(String(value))) continue;
    const name = `--${names.at(-1)}`;
    throw new CtrError('UNSUPPORTED', `${name}${flags.includes('<') || value === false ? `=${value}` : ''}: ${why}`);
  }
}
