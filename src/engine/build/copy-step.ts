/** COPY, ADD and the directory of a WORKDIR (Dockerfile reference). */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, utimesSync } from 'node:fs';
import { posix } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { AddInstruction, CopyInstruction, CopySource } from '../../build/instruction.ts';
import { toPath } from '../../image/layer/byte-string.ts';
import { sha256Of } from '../../oci/digest.ts';
import type { ContainerDefaults } from '../../oci/image-config.ts';
import { readFileInLayers } from '../../storage/layer-file.ts';
import { type ContainerUser, lookUpUser } from '../user-lookup.ts';
import { isArchive } from './archive-kind.ts';
import { type Build, diffIdsOf, type Made, type StageState } from './build-state.ts';
import { resolveIn } from './layer-stack.ts';
import { type LayerWork, layerFor, layersBelow } from './new-layer.ts';
import { withoutCredentials } from './remote-address.ts';
import { download, extractArchive, fetchGit, treeOfFile } from './remote-context.ts';
import type { SourceTree } from './source-walk.ts';
import { type Source, sourceFor } from './sources.ts';
import { digestOfSources, namesOfSources, stepKey } from './step-key.ts';
import type { CopyOrder, DirectoryOrder } from './worker-orders.ts';

export interface StepPlace {
  readonly stageIndex: number;
  readonly useCache: boolean;
}

/** One source with what it adds to the key. */
interface Prepared {
  readonly tree: SourceTree;
  readonly paths: readonly string[];
  readonly identity: unknown;
  /** Files that were fetched have no owner; what was extracted has. */
  readonly exclude: readonly string[];
}

export async function copyStep(
  build: Build,
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  { stageIndex, useCache }: StepPlace,
): Promise<Made> {
  const { chown, chmod, link, parents } = instruction;
  const below = link ? { layers: [] } : state;
  const owner = chown === undefined ? undefined : ownerOf(build, state, chown);
  const prepared = await prepare(build, instruction, stageIndex);
  const destination = destinationOf(instruction.destination, state.image.config);
  const facts = { chown: owner, chmod, link, parents, destination, exclude: instruction.exclude };
  const sources = prepared.map(({ identity }) => identity);
  const key = stepKey(['copy', diffIdsOf(below), state.newest, facts, sources]);
  return layerFor(build, { ...state, ...below }, { key, description: instruction.text, useCache, make });

  async function make(target: string): ReturnType<LayerWork['make']> {
    const isSingle = build.ownerKind === 's';
    const several = prepared.length > 1 || (prepared[0]?.paths.length ?? 0) > 1;
    if (several && !destination.endsWith('/') && !isDirectory(build, below, destination)) {
      throw new CtrError('INVALID', `several sources, but the destination ${instruction.destination} is no directory`, {
        hint: 'end it with a slash',
      });
    }
    const steps = prepared.map(
      ({ tree, paths, exclude }): CopyOrder => ({
        kind: 'copy',
        ...{ tree, paths, exclude, parents, isSingle, isLinked: link },
        destination: several && !destination.endsWith('/') ? `${destination}/` : destination,
        ...(owner ? { owner: { uid: owner.uid, gid: owner.gid } } : {}),
        ...(chmod === undefined ? {} : { chmod }),
      }),
    );
    await build.worker.ask({ op: 'place', target, lower: layersBelow(build, below), steps, isSingle });
    return { mountPoints: [] };
  }
}

function isDirectory(build: Build, state: Pick<StageState, 'layers'>, path: string): boolean {
  const layers = layersBelow(build, state);
  if (layers.length === 0) return false;
  return (resolveIn(layers, path, { what: 'the image' })?.merged.length ?? 0) > 0;
}

/** `mkdir -p` as USER; no layer when the directory is there. */
export async function workdirStep(build: Build, state: StageState, text: string, useCache: boolean): Promise<Made> {
  const path = state.image.config.WorkingDir ?? '/';
  if (path === '/' || isDirectory(build, state, path)) return { layer: undefined, isCached: true };
  const { uid, gid } = ownerOf(build, state, state.image.config.User ?? '');
  const order: DirectoryOrder = { kind: 'directory', path, uid, gid, mode: 0o755 };
  const key = stepKey(['workdir', diffIdsOf(state), state.newest, order]);
  const make = async (target: string) => {
    const isSingle = build.ownerKind === 's';
    await build.worker.ask({ op: 'place', target, lower: layersBelow(build, state), steps: [order], isSingle });
    return { mountPoints: [] };
  };
  return layerFor(build, state, { key, description: text, useCache, make });
}

/** By the image's /etc/passwd and /etc/group. A user without a group has the user's number as group, as in BuildKit. */
export function ownerOf(build: Build, state: Pick<StageState, 'layers'>, spec: string): ContainerUser {
  const layers = layersBelow(build, state);
  const read = (path: string) =>
    layers.length === 0 ? '' : (readFileInLayers(layers, path, 4 * 1024 * 1024)?.toString('latin1') ?? '');
  const user = lookUpUser(spec, { passwd: read('etc/passwd'), group: read('etc/group') });
  return /^\d+$/.test(spec) && user.name === undefined ? { ...user, gid: user.uid } : user;
}

function destinationOf(destination: string, { WorkingDir }: ContainerDefaults): string {
  const path = posix.resolve('/', WorkingDir ?? '/', destination);
  const isDirectoryName = /(^|\/)\.{0,2}$/.test(destination);
  return isDirectoryName && path !== '/' ? `${path}/` : path;
}

async function prepare(
  build: Build,
  instruction: CopyInstruction | AddInstruction,
  stageIndex: number,
): Promise<Prepared[]> {
  const from = instruction.kind === 'copy' ? instruction.from : undefined;
  const paths = instruction.sources.flatMap((source) => (source.kind === 'path' ? [source.path] : []));
  const source = paths.length > 0 ? await sourceFor(build, stageIndex, from) : undefined;
  const local = source ? await fromTree(build, instruction, source, paths) : [];
  const others: Prepared[] = [];
  for (const one of instruction.sources) {
    if (one.kind !== 'path') others.push(await fetched(build, instruction, one));
  }
  return [...local, ...others];
}

async function fromTree(
  build: Build,
  instruction: CopyInstruction | AddInstruction,
  { tree, identity }: Source,
  paths: readonly string[],
): Promise<Prepared[]> {
  const { exclude } = instruction;
  const whole: Prepared = {
    ...{ tree, paths, exclude },
    identity: identity === undefined ? digestOfSources(tree, paths, exclude) : [identity, paths],
  };
  if (instruction.kind === 'copy' || instruction.unpack === false) return [whole];
  const extracted: Prepared[] = [];
  const plain: string[] = [];
  for (const path of paths) {
    const files = namesOfSources(tree, [path], exclude).filter(({ stat }) => stat.isFile());
    const archives = files.filter((file) => isArchive(toPath(file.path).toString()));
    if (archives.length === 0) plain.push(path);
    for (const archive of archives) {
      const directory = await extractArchive(toPath(archive.path).toString(), { ...build, ...tools(build) });
      extracted.push({
        ...{ tree: { layers: [directory], what: path, isContext: false, isArchive: true }, paths: ['/'], exclude: [] },
        identity: ['archive', digestOfSources(tree, [path], exclude)],
      });
    }
  }
  return plain.length > 0 ? [{ ...whole, paths: plain }, ...extracted] : extracted;
}

const tools = ({ host, scratch, worker, ssh, signal }: Build) => ({ host, scratch, worker, ssh, signal });

async function fetched(
  build: Build,
  instruction: CopyInstruction | AddInstruction,
  source: Exclude<CopySource, { kind: 'path' }>,
): Promise<Prepared> {
  const what = (name: string, directory: string): SourceTree => ({ layers: [directory], what: name, isContext: true });
  const { exclude } = instruction;
  if (source.kind === 'inline') {
    const directory = treeOfFile(source.name, source.content, 0o644, tools(build));
    const tree = what('a here-document', directory);
    return { tree, paths: [source.name], exclude: [], identity: ['inline', source.name, source.content] };
  }
  if (source.kind === 'git') {
    const keepGitDir = instruction.kind === 'add' && instruction.keepGitDir;
    const commit = instruction.kind === 'add' ? instruction.checksum : undefined;
    const git = { ...source.git, ...(keepGitDir ? { keepGitDir } : {}), ...(commit ? { commit } : {}) };
    build.materials.set(withoutCredentials(source.git.written), undefined);
    const tree = what(source.git.written, await fetchGit(git, tools(build)));
    return { tree, paths: ['/'], exclude, identity: ['git', digestOfSources(tree, ['/'], exclude)] };
  }
  return fetchedUrl(build, instruction, source.url);
}

async function fetchedUrl(build: Build, instruction: CopyInstruction | AddInstruction, url: string): Promise<Prepared> {
  const { path } = await download(url, tools(build));
  const checksum = instruction.kind === 'add' ? instruction.checksum : undefined;
  const content = readFileSync(path);
  build.materials.set(withoutCredentials(url), sha256Of(content));
  const digest = (algorithm: string) => `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
  if (checksum !== undefined && digest(checksum.slice(0, checksum.indexOf(':'))) !== checksum) {
    throw new CtrError('VERIFY', `${url}: its content is not ${checksum}`, {
      hint: 'the file changed, or somebody changed it on the way',
    });
  }
  const unpack = instruction.kind === 'add' && instruction.unpack === true && isArchive(path);
  if (unpack) {
    const directory = await extractArchive(path, tools(build));
    const tree = { layers: [directory], what: url, isContext: false, isArchive: true };
    return { tree, paths: ['/'], exclude: [], identity: ['unpacked', digest('sha256')] };
  }
  const name = posix.basename(decodeURIComponent(new URL(url).pathname));
  if (name === '')
    throw new CtrError('INVALID', `${url} names no file`, { hint: 'its path must not end with a slash' });
  const directory = build.scratch.directory();
  renameSync(path, `${directory}/${name}`);
  utimesSync(`${directory}/${name}`, build.beganAt, build.beganAt);
  const tree: SourceTree = { layers: [directory], what: url, isContext: true };
  return { tree, paths: [name], exclude: [], identity: ['url', name, digest('sha256')] };
}
