import { CtrError } from '../base/ctr-error.ts';
import { inspectContainer } from '../engine/container-inspect.ts';
import { inspectImage } from '../engine/image-inspect.ts';
import { newestContainer } from '../engine/newest-container.ts';
import { inspectVolume } from '../engine/volume-inspect.ts';
import { resolveNetwork } from '../storage/network-store.ts';
import { listVolumes, resolveVolume } from '../storage/volume-store.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { formatOne, indentedJson } from './output/format.ts';

interface InspectFlags {
  readonly all?: boolean;
  readonly format?: string;
  readonly size?: boolean;
  readonly type?: string;
  readonly latest?: boolean;
}

type Inspect = (context: Context, nameOrId: string, flags: InspectFlags) => object | Promise<object>;

/** What can be inspected, in the order in which a bare name is looked for. */
const inspectors: ReadonlyMap<string, Inspect> = new Map<string, Inspect>([
  [
    'container',
    ({ host, compat }, nameOrId, { size }) => inspectContainer(host, nameOrId, { style: compat, size: size ?? false }),
  ],
  ['image', ({ host, compat }, nameOrId) => inspectImage(host, nameOrId, compat)],
  [
    'network',
    async ({ host, compat }, name) => {
      const { repairNetworks } = await import('../engine/bridge-network.ts');
      const { inspectNetwork } = await import('../engine/network-inspect.ts');
      const network = resolveNetwork(host, name);
      await repairNetworks(host);
      return inspectNetwork(host, network, compat);
    },
  ],
  ['volume', ({ host, compat }, name) => inspectVolume(host, resolveVolume(host, name), compat)],
]);

export const command: CommandSpec<InspectFlags> = {
  usage: '[options] NAME|ID [NAME|ID...]',
  examples: [
    'inspect alpine',
    "inspect -f '{{.State.Status}}' web",
    "image inspect --format '{{.Config.Cmd}}' alpine",
    "inspect -f '{{json .RootFS.Layers}}' alpine",
  ],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all', 'with `volume inspect`: all volumes')
      .option('-f, --format <template>', 'json, or a Go template')
      .option('-l, --latest', 'the container that was made last')
      .option('-s, --size', 'with the sizes of a container on disk')
      .option('-t, --type <type>', `what it is: all, ${[...inspectors.keys()].join(', ')}`);
  },
  async run(context, operands, flags) {
    const names = namesFrom(context, operands, flags);
    if (names.length === 0 && !flags.all) throw new CtrError('USAGE', 'requires at least 1 argument, got 0');
    const wanted = typesFor(context.commandName, flags.type);
    const { found, errors } = await lookUp(context, names, wanted, flags);
    const text = flags.format && flags.format !== 'json' ? undefined : indentedJson(found);
    context.stdout.write(text ?? found.map((object) => formatOne('inspect', object, flags.format, () => '')).join(''));
    if (errors.length === 0) return 0;
    const { reportError } = await import('./report-error.ts');
    return Math.max(...errors.map((error) => reportError(error, context)));
  },
};

function namesFrom(
  { host, commandName }: Context,
  operands: readonly string[],
  flags: InspectFlags,
): readonly string[] {
  if (flags.all) {
    if (commandName !== 'volume inspect') throw new CtrError('USAGE', '--all is for `volume inspect`');
    if (operands.length > 0) throw new CtrError('USAGE', 'volumes and --all exclude each other');
    return listVolumes(host).map(({ name }) => name);
  }
  return flags.latest ? [...operands, newestContainer(host).id] : operands;
}

/** `image inspect` looks at images only, whatever --type says. */
function typesFor(commandName: string, type = 'all'): readonly string[] {
  const [group = ''] = commandName.split(' ');
  if (inspectors.has(group)) return [group];
  if (type === 'all' || type === '') return [...inspectors.keys()];
  if (inspectors.has(type)) return [type];
  throw new CtrError(
    'USAGE',
    `invalid argument "${type}" for "--type": types are all, ${[...inspectors.keys()].join(', ')}`,
  );
}

async function lookUp(context: Context, names: readonly string[], types: readonly string[], flags: InspectFlags) {
  const found: object[] = [];
  const errors: CtrError[] = [];
  for (const name of names) {
    try {
      found.push(await inspectFirst(context, name, types, flags));
    } catch (error) {
      if (!(error instanceof CtrError)) throw error;
      errors.push(error);
    }
  }
  return { found, errors };
}

async function inspectFirst(
  context: Context,
  name: string,
  types: readonly string[],
  flags: InspectFlags,
): Promise<object> {
  for (const type of types) {
    try {
      const object = await inspectors.get(type)?.(context, name, flags);
      if (object) return object;
    } catch (error) {
      if (!(error instanceof CtrError && error.code === 'NOT_FOUND')) throw error;
    }
  }
  throw new CtrError('NOT_FOUND', `no such ${types.length === 1 ? types[0] : 'object'}: ${name}`);
}
