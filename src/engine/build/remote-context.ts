/** Contexts that are fetched: archives from standard input or http(s), git repositories by the git program. */
import { closeSync, createReadStream, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import { writeAll } from '../../base/json-file.ts';
import { parseGitReference } from '../../build/git-reference.ts';
import type { GitReference } from '../../build/instruction.ts';
import { createHttpClient } from '../../image/transport/http-client.ts';
import { findExecutable } from '../user-namespace.ts';
import { isArchive, withoutProgramCompression } from './archive-kind.ts';
import type { ContextTools, FoundDockerfile } from './context-tools.ts';

interface FetchedContext {
  readonly directory: string;
  readonly dockerfile?: FoundDockerfile;
}

/** `docker build -`: an archive, or a Dockerfile without a context. */
export async function contextFromStdin(tools: ContextTools): Promise<FetchedContext> {
  const file = tools.scratch.file();
  const fd = openSync(file, 'wx', 0o600);
  try {
    for await (const chunk of createReadStream('', { fd: 0, autoClose: false })) writeAll(fd, chunk);
  } finally {
    closeSync(fd);
  }
  return fromFile(file, tools, '-');
}

export async function fetchContext(address: string, tools: ContextTools): Promise<FetchedContext> {
  const git = parseGitReference(address);
  if (git) return { directory: await fetchGit(git, tools) };
  const { path } = await download(address, tools);
  return fromFile(path, tools, address);
}

async function fromFile(file: string, tools: ContextTools, name: string): Promise<FetchedContext> {
  if (!isArchive(file)) {
    const { readFileSync } = await import('node:fs');
    const directory = tools.scratch.directory();
    return { directory, dockerfile: { text: readFileSync(file, 'utf8'), name } };
  }
  return { directory: await extractArchive(file, tools) };
}

/** Where its content is. */
export async function extractArchive(file: string, tools: ContextTools): Promise<string> {
  const { scratch, worker, host } = tools;
  const { idMapsFor } = await import('../user-namespace.ts');
  const target = scratch.directory();
  const archive = await withoutProgramCompression(file, tools);
  await worker.ask({ op: 'extract', archive, target, isSingle: idMapsFor(host).kind === 'single' });
  return `${target}/diff`;
}

export interface Download {
  readonly path: string;
  readonly modified: Date | undefined;
}

export async function download(address: string, { scratch, host, signal }: ContextTools): Promise<Download> {
  const path = scratch.file();
  const fd = openSync(path, 'wx', 0o600);
  const client = createHttpClient({ host, isInsecure: () => false });
  try {
    const response = await client.send({ method: 'GET', url: new URL(address), signal });
    if (response.status !== 200) throw new CtrError('NETWORK', `${address}: the server answered ${response.status}`);
    for await (const chunk of response.chunks()) writeAll(fd, chunk);
    return { path, modified: undefined };
  } finally {
    client.close();
    closeSync(fd);
  }
}

/** A checkout of the commit, without its history; `.git` stays only where it is wanted. */
export async function fetchGit(git: GitReference, tools: ContextTools): Promise<string> {
  const { checkOut } = await import('./git-checkout.ts');
  const program = findExecutable(tools.host, 'git');
  if (program === undefined) {
    throw new CtrError('UNSUPPORTED', `${git.written}: git is not installed`, { hint: 'install the package git' });
  }
  const directory = `${tools.scratch.directory()}/checkout`;
  mkdirSync(directory);
  const env = { ...tools.host.env, ...(await tools.ssh.environment()) };
  return checkOut(git, directory, { program, env, signal: tools.signal });
}

/** A tree with one file. */
export function treeOfFile(
  name: string,
  content: string | Uint8Array,
  mode: number,
  { scratch }: ContextTools,
): string {
  const directory = scratch.directory();
  writeFileSync(`${directory}/${name}`, content, { mode });
  return directory;
}
