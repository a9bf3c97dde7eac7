/** COPY and ADD (reference): sources of several kinds, one destination, and what to make of them. */
import { type Arguments, wordTokens } from './arguments.ts';
import { checkFlags, type FlagKinds, type FlagValues } from './flags.ts';
import { parseGitReference } from './git-reference.ts';
import { chompedContent, parseHeredocHead } from './heredoc.ts';
import type { AddInstruction, CopyInstruction, CopySource } from './instruction.ts';
import { parseModeChange } from './mode-change.ts';
import { withPlace } from './place-error.ts';
import type { Token } from './words.ts';

const shared = { chown: 'string', chmod: 'string', link: 'boolean', exclude: 'list', parents: 'boolean' } as const;
const copyKinds: FlagKinds = { from: 'string', ...shared };
const addKinds: FlagKinds = { ...shared, 'keep-git-dir': 'boolean', checksum: 'string', unpack: 'boolean' };

export function parseCopy(args: Arguments): CopyInstruction {
  const { line, keyword, base } = args;
  const flags = checkFlags(line, args.flags, copyKinds, keyword);
  const from = flags.string('from');
  if (from?.includes('$')) {
    const hint = 'give the image a stage of its own: FROM image:$TAG AS name';
    throw line.error('--from takes no variables', flags.token('from'), hint);
  }
  if (from === '') throw line.error('--from needs a value', flags.token('from'));
  const { sources, destination } = sourcesOf(args);
  for (const [index, { kind }] of sources.entries()) {
    if (kind !== 'url' && kind !== 'git') continue;
    const what = kind === 'url' ? 'URL' : 'git repository';
    throw line.error(`COPY takes no ${what}`, wordTokens(args)[index], 'ADD does');
  }
  return {
    kind: 'copy',
    ...base,
    sources,
    destination,
    ...(from === undefined ? {} : { from }),
    ...sharedFlags(args, flags),
  };
}

export function parseAdd(args: Arguments): AddInstruction {
  const { line, keyword, base } = args;
  const flags = checkFlags(line, args.flags, addKinds, keyword);
  const [checksum, unpack] = [flags.string('checksum'), flags.boolean('unpack')];
  const { sources, destination } = sourcesOf(args);
  if (checksum !== undefined) checkChecksum(args, flags, sources);
  return {
    kind: 'add',
    ...base,
    sources,
    destination,
    ...sharedFlags(args, flags),
    keepGitDir: flags.boolean('keep-git-dir') ?? false,
    ...(checksum === undefined ? {} : { checksum }),
    ...(unpack === undefined ? {} : { unpack }),
  };
}

function checkChecksum({ line }: Arguments, flags: FlagValues, sources: readonly CopySource[]): void {
  if (sources.length !== 1) throw line.error('--checksum takes exactly one source', flags.token('checksum'));
  const [source] = sources;
  const written = source?.kind === 'path' ? source.path : '';
  if (source?.kind === 'inline' || (written !== '' && !written.includes('$'))) {
    throw line.error('--checksum is for URLs and git repositories', flags.token('checksum'));
  }
}

function sharedFlags({ line }: Arguments, flags: FlagValues) {
  const [chown, chmod] = [flags.string('chown'), flags.string('chmod')];
  if (chmod !== undefined && !chmod.includes('$')) {
    withPlace(
      (message, hint) => line.error(message, flags.token('chmod'), hint),
      () => parseModeChange(chmod),
    );
  }
  return {
    ...(chown === undefined ? {} : { chown }),
    ...(chmod === undefined ? {} : { chmod }),
    link: flags.boolean('link') ?? false,
    parents: flags.boolean('parents') ?? false,
    exclude: flags.list('exclude'),
  };
}

function sourcesOf(args: Arguments): { sources: CopySource[]; destination: string } {
  const { line, keyword } = args;
  const words = wordTokens(args);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    const hint = `write ${keyword} source destination`;
    throw line.error(`${keyword} needs a source and a destination`, destination, hint);
  }
  if (line.heredocs.length > 0 && parseHeredocHead(destination)) {
    throw line.error('a here-document cannot be the destination', destination);
  }
  return { sources: words.slice(0, -1).map((word) => sourceOf(args, word)), destination: destination.text };
}

function sourceOf({ line }: Arguments, word: Token): CopySource {
  const head = line.heredocs.length > 0 ? parseHeredocHead(word) : undefined;
  const heredoc = head && line.heredocs.find(({ name }) => name === head.name);
  if (!heredoc) return classifySource(word.text);
  return { kind: 'inline', name: heredoc.name, content: chompedContent(heredoc), verbatim: heredoc.verbatim };
}

/** What a source word means; asked again when its variables are expanded. */
export function classifySource(text: string): CopySource {
  const git = parseGitReference(text);
  if (git) return { kind: 'git', git };
  return /^https?:\/\//i.test(text) ? { kind: 'url', url: text } : { kind: 'path', path: text };
}
