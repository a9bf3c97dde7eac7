/** Where files come from that are in no image: the build context and the named ones, found once and kept for the build. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { BuildRequest } from './build-request.ts';
import type { ContextTools, FoundDockerfile } from './context-tools.ts';
import { isRemote } from './remote-address.ts';
import type { SourceTree } from './source-walk.ts';

/** A directory, the name of an image, or an image in an OCI layout (its only one where `name` is absent). */
export type NamedContext = SourceTree | { readonly image: string } | { readonly layout: LayoutPlace };

export interface LayoutPlace {
  readonly path: string;
  /** A tag or a digest. */
  readonly name: string | undefined;
}

export interface BuildContexts {
  readonly main: SourceTree;
  readonly dockerfile: FoundDockerfile;
  /** By name. */
  named(name: string): Promise<NamedContext>;
}

export async function openContexts(request: BuildRequest, tools: ContextTools): Promise<BuildContexts> {
  const { context, file, cwd } = request;
  const place = await placeOf(request, tools);
  const dockerfile = place.dockerfile ?? findDockerfile(place.directory, file, cwd, context);
  const ignore =
    request.ignoreFile === undefined
      ? ignoreFileFor(place.directory, dockerfile.path)
      : readIgnoreFile(request.ignoreFile);
  const main: SourceTree = {
    layers: [place.directory],
    what: 'the build context',
    isContext: true,
    ...(ignore ? { ignore } : {}),
  };
  const known = new Map<string, Promise<NamedContext>>();
  const named = (name: string) => {
    const found = known.get(name) ?? namedContext(name, request, tools);
    known.set(name, found);
    return found;
  };
  return { main, dockerfile: { text: dockerfile.text, name: dockerfile.name }, named };
}

interface Dockerfile extends FoundDockerfile {
  /** Absent when it came from standard input. */
  readonly path?: string;
}

interface Place {
  readonly directory: string;
  readonly dockerfile?: Dockerfile;
}

async function placeOf({ context, file, cwd }: BuildRequest, tools: ContextTools): Promise<Place> {
  if (context === '-' && file === '-') throw new CtrError('USAGE', 'the context and -f cannot both be standard input');
  const remote = await import('./remote-context.ts');
  if (context === '-') return remote.contextFromStdin(tools);
  if (isRemote(context)) return remote.fetchContext(context, tools);
  const directory = resolve(cwd, context);
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (!stat) throw new CtrError('NOT_FOUND', `the build context ${context} does not exist`);
  if (!stat.isDirectory()) {
    throw new CtrError('USAGE', `the build context ${context} is no directory`, {
      hint: '`-f` names the Dockerfile; `ctr build - < archive.tar` reads a context from an archive',
    });
  }
  return file === '-' ? { directory, dockerfile: { text: readFileSync(0, 'utf8'), name: '-' } } : { directory };
}

function findDockerfile(directory: string, file: string | undefined, cwd: string, context: string): Dockerfile {
  if (file === '-') return { text: readFileSync(0, 'utf8'), name: '-' };
  const candidates =
    file === undefined
      ? [`${directory}/Containerfile`, `${directory}/Dockerfile`]
      : [resolve(cwd, file), resolve(directory, file)];
  const path = candidates.find((each) => existsSync(each));
  if (path !== undefined) return { text: readFileSync(path, 'utf8'), name: file ?? basename(path), path };
  const wanted = file ?? 'Containerfile and no Dockerfile';
  throw new CtrError('NOT_FOUND', file === undefined ? `${context} has no ${wanted}` : `${file} does not exist`, {
    hint: '-f FILE names another one',
  });
}

/** `NAME.dockerignore` beside the Dockerfile wins (reference, ".dockerignore file"). */
function ignoreFileFor(directory: string, dockerfile: string | undefined): SourceTree['ignore'] {
  const beside = dockerfile === undefined ? [] : [`${dockerfile}.containerignore`, `${dockerfile}.dockerignore`];
  const path = [...beside, `${directory}/.containerignore`, `${directory}/.dockerignore`].find((each) =>
    existsSync(each),
  );
  return path === undefined ? undefined : readIgnoreFile(path);
}

function readIgnoreFile(path: string): NonNullable<SourceTree['ignore']> {
  if (!existsSync(path)) throw new CtrError('NOT_FOUND', `the ignore file ${path} does not exist`);
  return { text: readFileSync(path, 'utf8'), name: basename(path) };
}

async function namedContext(name: string, { contexts, cwd }: BuildRequest, tools: ContextTools): Promise<NamedContext> {
  const value = contexts[name] ?? '';
  const image = /^(?:docker-image|container-image):\/\/(.+)$/.exec(value)?.[1];
  if (image !== undefined) return { image };
  const layout = /^oci-layout:\/\/([^@]+?)(?:@(sha256:[0-9a-f]{64})|:([^/:@]+))?$/.exec(value);
  if (layout) {
    const [, path = '', digest, tag] = layout;
    return { layout: { path: resolve(cwd, path), name: digest ?? tag } };
  }
  const remote = await import('./remote-context.ts');
  const what = `the context ${name}`;
  if (isRemote(value)) {
    const { directory } = await remote.fetchContext(value, tools);
    return { layers: [directory], what, isContext: true };
  }
  const directory = resolve(cwd, value);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CtrError('NOT_FOUND', `--build-context ${name}=${value}: there is no such directory`);
  }
  const ignore = ignoreFileFor(directory, undefined);
  return { layers: [directory], what, isContext: true, ...(ignore ? { ignore } : {}) };
}
