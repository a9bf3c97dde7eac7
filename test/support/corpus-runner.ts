/** One case of the corpus built by one tool, and what came of it; the same for ctr and for buildah. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type CorpusCase, copyCase, emptyImage, expectedConfig, outcomeOf } from './corpus.ts';
import { type ImageContent, readImage } from './image-tree.ts';
import type { Outcome } from './run-as.ts';

export interface Builder {
  /** Runs a shell command line as the user, in a directory. */
  sh(command: string, cwd: string): Promise<Outcome>;
  /** `build` with its flags and the context behind it, as a shell command line. */
  build(flags: string): string;
  /** Writes an OCI archive. */
  save(reference: string, file: string): string;
  /** Below it the cases are copied; the user owns it. */
  readonly work: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly httpUrl: string;
  /** localhost/busybox. */
  readonly busybox: ImageContent;
}

export type CaseResult =
  | { readonly failed: string }
  | { readonly tree: Record<string, string | null>; readonly config: Record<string, unknown>; readonly output: string };

/** What the expectation demands, in the form of a result. */
export function demanded(each: CorpusCase, base: ImageContent) {
  return { tree: each.tree ?? {}, config: expectedConfig(each, base) };
}

export async function buildCase(
  each: CorpusCase,
  builder: Builder,
): Promise<{ result: CaseResult; base: ImageContent }> {
  const dir = `${builder.work}/${each.name}`;
  copyCase(each.name, dir);
  execFileSync('chown', ['-R', `${builder.owner.uid}:${builder.owner.gid}`, dir]);
  if (existsSync(`${dir}/prepare.sh`)) await must(builder, 'umask 022; set -e; . ../prepare.sh', `${dir}/context`);
  let base: ImageContent;
  try {
    base = await baseOf(each, builder, dir);
  } catch (error) {
    return { result: { failed: String(error) }, base: emptyImage };
  }
  const reference = `localhost/corpus/${each.name}`;
  const args = (each.args ?? []).map((arg) => quote(arg.replace('{http}', builder.httpUrl)));
  const flags = ['-t', reference, '-f', 'Dockerfile', ...args].join(' ');
  const outcome = await builder.sh(`HOME_OF_TEST=set ${builder.build(flags)} context`, dir);
  const output = `${outcome.stdout}${outcome.stderr}`;
  if (outcome.code !== 0) return { result: { failed: output || `exit code ${outcome.code}` }, base };
  const image = await saved(builder, reference, dir);
  return { result: { ...outcomeOf(base, image), output }, base };
}

/** What the expectation compares with: the base image that was built for it, busybox, or nothing. */
async function baseOf(each: CorpusCase, builder: Builder, dir: string): Promise<ImageContent> {
  if (each.hasBase) {
    const reference = `localhost/base-of-${each.name}`;
    await must(builder, `${builder.build(`-t ${reference} -f base.Dockerfile`)} context`, dir);
    return saved(builder, reference, dir);
  }
  return each.fromScratch ? emptyImage : builder.busybox;
}

async function saved(builder: Builder, reference: string, dir: string): Promise<ImageContent> {
  const file = `${dir}/${reference.replaceAll('/', '-')}.oci.tar`;
  await must(builder, builder.save(reference, file), dir);
  return readImage(file);
}

async function must(builder: Builder, command: string, cwd: string): Promise<void> {
  const outcome = await builder.sh(command, cwd);
  if (outcome.code !== 0) throw new Error(`${command}: ${outcome.stdout}${outcome.stderr}`);
}

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
