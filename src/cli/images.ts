import { CtrError } from '../base/ctr-error.ts';
import { humanDuration, humanSize } from '../base/units.ts';
import { type ImageFilter, type ImageSummary, listStoredImages, readConfig, shortId } from '../engine/images.ts';
import { hexOf } from '../oci/digest.ts';
import { familiarName, parseReference, repositoryName } from '../oci/reference.ts';
import { type CommandSpec, collect } from './command.ts';
import type { Context } from './context.ts';
import { booleanFilter, parseFilters } from './filter.ts';
import { formatList } from './output/format.ts';

interface ImagesFlags {
  readonly digests?: boolean;
  readonly filter: readonly string[];
  readonly format?: string;
  readonly noheading?: boolean;
  readonly quiet?: boolean;
  readonly sort: string;
  readonly tree?: boolean;
  /** False with --no-trunc. */
  readonly trunc: boolean;
}

export const command: CommandSpec<ImagesFlags> = {
  usage: '[options] [IMAGE]',
  description:
    'Fields for --format: .Repository .Tag .ID .Digest .Created .CreatedAt .CreatedSince .Size .Labels .ReadOnly, and\nthose of --format json. Filters: dangling, label, before, since, reference, id, readonly.',
  examples: [
    'images',
    'images --filter dangling=true -q',
    "images --format 'table {{.ID}}\\t{{.Repository}}:{{.Tag}}'",
  ],
  operands: [0, 1],
  declare(command) {
    command
      .option('-a, --all', 'accepted for Docker; no image is hidden: a build leaves none in between')
      .option('--digests', 'show digests')
      .option('-f, --filter <key=value>', 'show only images for which this holds', collect, [])
      .option('--format <template>', 'json, or a Go template')
      .option('--no-trunc', 'show whole IDs')
      .option('-n, --noheading', 'leave out the column titles')
      .option('-q, --quiet', 'show IDs only')
      .option('--sort <field>', 'created, id, repository, size or tag', 'created')
      .option('--tree', 'show below each image those that are built on it');
  },
  async run(context, [name], flags) {
    if (flags.tree && (flags.quiet || flags.format))
      throw new CtrError('USAGE', '--tree excludes --format and --quiet');
    const summaries = listStoredImages(context.host, filterFrom(flags.filter, name)).filter(idFilter(flags.filter));
    if (flags.tree) {
      const { imageFamilies } = await import('../engine/image-family.ts');
      const { treeText } = await import('./images-tree.ts');
      context.stdout.write(treeText(imageFamilies(summaries)));
      return 0;
    }
    const rows = sorted(
      summaries.flatMap((summary) => rowsOf(summary, context, flags.trunc)),
      flags.sort,
    );
    if (flags.quiet && !flags.format) {
      const ids = [...new Set(rows.map(({ ID }) => ID))];
      context.stdout.write(ids.map((id) => `${id}\n`).join(''));
      return 0;
    }
    const text = formatList(
      {
        name: 'images',
        rows,
        defaultFormat: defaultFormat(flags.digests ?? false, summaries),
        titles: { ID: 'IMAGE ID', CreatedSince: 'CREATED', ReadOnly: 'R/O' },
        json: () => summaries.map((summary) => podmanJson(summary, context)),
      },
      { format: flags.format, noHeading: flags.noheading, compat: context.compat },
    );
    context.stdout.write(text);
    return 0;
  },
};

const filterKeys = ['dangling', 'label', 'before', 'since', 'after', 'reference', 'id', 'readonly'];

function filterFrom(texts: readonly string[], name: string | undefined): ImageFilter {
  const filters = parseFilters(texts, filterKeys);
  const isDangling = booleanFilter(filters, 'dangling');
  const isReadOnly = booleanFilter(filters, 'readonly');
  const before = filters.get('before')?.at(-1);
  const since = (filters.get('since') ?? filters.get('after'))?.at(-1);
  return {
    references: [...(filters.get('reference') ?? []), ...(name === undefined ? [] : [name])],
    labels: filters.get('label') ?? [],
    ...(isDangling === undefined ? {} : { isDangling }),
    ...(isReadOnly === undefined ? {} : { isReadOnly }),
    ...(before === undefined ? {} : { before }),
    ...(since === undefined ? {} : { since }),
  };
}

function idFilter(texts: readonly string[]): (summary: ImageSummary) => boolean {
  const ids = parseFilters(texts, filterKeys).get('id');
  return ({ image }) => !ids || ids.some((id) => hexOf(image.id).startsWith(id.replace(/^sha256:/, '')));
}

function defaultFormat(digests: boolean, summaries: readonly ImageSummary[]): string {
  const readOnly = summaries.some(({ readOnlyStore }) => readOnlyStore !== undefined) ? '\t{{.ReadOnly}}' : '';
  return `table {{.Repository}}\t{{.Tag}}\t${digests ? '{{.Digest}}\t' : ''}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}${readOnly}`;
}

/** A line of the table: one for every name. */
interface ImageRow {
  readonly ID: string;
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
  readonly Created: string;
  readonly CreatedSince: string;
  readonly CreatedAt: string;
  readonly Size: string;
  readonly VirtualSize: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly ReadOnly: boolean;
}

interface SortableRow {
  readonly row: ImageRow;
  readonly summary: ImageSummary;
}

function rowsOf(summary: ImageSummary, context: Context, short: boolean): SortableRow[] {
  const { image, names, repoDigests } = summary;
  const isDocker = context.compat === 'docker';
  const fullId = isDocker ? image.id : hexOf(image.id);
  const createdMs = Date.parse(image.createdAt ?? '') || 0;
  const size = humanSize(summary.sizeBytes, isDocker ? '' : ' ');
  const since = `${humanDuration(context.now().getTime() - createdMs)} ago`;
  const digest = repoDigests[0]?.split('@')[1] ?? (isDocker ? '<none>' : image.manifest.digest);
  const named = names.length > 0 ? names.map((name) => nameParts(name, isDocker)) : [noName];
  return named.map(({ repository, tag }) => ({
    summary,
    row: {
      ID: short ? shortId(image.id) : fullId,
      Repository: repository,
      Tag: tag,
      Digest: digest,
      Created: since,
      CreatedSince: since,
      CreatedAt: dockerTime(createdMs),
      Size: size,
      VirtualSize: size,
      ReadOnly: summary.readOnlyStore !== undefined,
      get Labels() {
        return readConfig(context.host, image).config.Labels ?? {};
      },
    },
  }));
}

const noName = { repository: '<none>', tag: '<none>' };

function nameParts(name: string, familiar: boolean): { repository: string; tag: string } {
  const reference = parseReference(name);
  const { domain, path } = reference;
  const repository = familiar ? familiarName({ domain, path }) : repositoryName(reference);
  return { repository, tag: reference.tag ?? '<none>' };
}

/** Go's default time format in UTC: `2024-05-01 10:00:00 +0000 UTC`. */
const dockerTime = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

const orders: Readonly<Record<string, (a: SortableRow, b: SortableRow) => number>> = {
  created: () => 0, // they come newest first
  id: (a, b) => compare(a.row.ID, b.row.ID),
  repository: (a, b) => compare(a.row.Repository, b.row.Repository),
  size: (a, b) => a.summary.sizeBytes - b.summary.sizeBytes,
  tag: (a, b) => compare(a.row.Tag, b.row.Tag),
};

function sorted(rows: readonly SortableRow[], field: string): ImageRow[] {
  const order = Object.hasOwn(orders, field) ? orders[field] : undefined;
  if (order === undefined) {
    throw new CtrError('USAGE', `cannot sort by ${field}: fields are ${Object.keys(orders).join(', ')}`);
  }
  return [...rows].sort(order).map(({ row }) => row);
}

/** `podman images --format json`. */
function podmanJson({ image, names, repoDigests, sizeBytes, readOnlyStore }: ImageSummary, { host }: Context): object {
  const createdMs = Date.parse(image.createdAt ?? '') || 0;
  return {
    Id: hexOf(image.id),
    ParentId: '',
    RepoTags: names.length > 0 ? names : null,
    RepoDigests: repoDigests,
    Size: sizeBytes,
    SharedSize: 0,
    VirtualSize: sizeBytes,
    Labels: readConfig(host, image).config.Labels ?? null,
    Containers: 0,
    ...(readOnlyStore === undefined ? {} : { ReadOnly: true }),
    Names: names,
    Digest: image.manifest.digest,
    History: names,
    Created: Math.floor(createdMs / 1000),
    CreatedAt: new Date(createdMs).toISOString().replace('.000Z', 'Z'),
  };
}
