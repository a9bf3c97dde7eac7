import { humanDuration, humanSize } from '../base/units.ts';
import { type HistoryStep, historyOf } from '../engine/image-history.ts';
import { shortId } from '../engine/images.ts';
import { hexOf } from '../oci/digest.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { formatList } from './output/format.ts';

interface HistoryFlags {
  readonly format?: string;
  readonly human?: boolean;
  readonly quiet?: boolean;
  /** False with --no-trunc. */
  readonly trunc: boolean;
}

export const command: CommandSpec<HistoryFlags> = {
  usage: '[options] IMAGE',
  description: 'Fields for --format: .ID .Created .CreatedAt .CreatedSince .CreatedBy .Size .Comment.',
  examples: ['history alpine', "history --no-trunc --format '{{.CreatedBy}}' alpine"],
  operands: [1, 1],
  declare(command) {
    command
      .option('--format <template>', 'json, or a Go template')
      .option('-H, --human', 'sizes and dates for people (the default; --human=false: numbers)')
      .option('--no-trunc', 'show whole IDs and commands')
      .option('-q, --quiet', 'show IDs only');
  },
  run(context, [image = ''], flags) {
    const steps = historyOf(context.host, image);
    const rows = steps.map((step) => rowOf(step, context, flags));
    const text = flags.quiet
      ? rows.map(({ ID }) => `${ID}\n`).join('')
      : formatList(
          { name: 'history', rows, defaultFormat, titles, json: () => steps.map(jsonOf) },
          { ...flags, compat: context.compat },
        );
    context.stdout.write(text);
    return 0;
  },
};

const defaultFormat = 'table {{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}';
const titles = { CreatedSince: 'CREATED' };

function rowOf(step: HistoryStep, context: Context, { human = true, trunc }: HistoryFlags) {
  const { imageId, createdAt, createdBy } = step;
  const since = createdAt ? `${humanDuration(context.now().getTime() - Date.parse(createdAt))} ago` : 'N/A';
  const oneLine = createdBy.replaceAll('\t', ' ').replaceAll('\n', ' ');
  return {
    ID: imageId === undefined ? '<missing>' : trunc ? shortId(imageId) : hexOf(imageId),
    Created: human ? since : (createdAt ?? 'N/A'),
    CreatedSince: since,
    CreatedAt: createdAt ?? '',
    CreatedBy: trunc && oneLine.length > 45 ? `${oneLine.slice(0, 42)}...` : oneLine,
    Size: human ? humanSize(step.sizeBytes) : String(step.sizeBytes),
    Comment: step.comment,
  };
}

/** `podman history --format json`. */
const jsonOf = ({ imageId, createdAt, createdBy, comment, sizeBytes }: HistoryStep) => ({
  id: imageId === undefined ? '<missing>' : hexOf(imageId),
  created: createdAt ?? null,
  createdBy,
  size: sizeBytes,
  comment,
});
