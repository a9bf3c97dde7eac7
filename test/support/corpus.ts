/**
 * The corpus of small Dockerfiles: test/corpus/<case>/ with `Dockerfile`, `context/`, `prepare.sh` (what git cannot
 * hold; run in the context), `base.Dockerfile` (built first, as localhost/base-of-<case>) and `expected.json`.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { changesBetween, type ImageContent } from './image-tree.ts';

export const corpusDir = join(import.meta.dirname, '../corpus');

export interface Expectation {
  /** More flags for `build`; `{http}` is the address of the file server. */
  readonly args?: readonly string[];
  /** What the host must have beside the tool: `http` (a file server), `git`. */
  readonly needs?: readonly string[];
  /** What standard error must contain; the build must fail then. */
  readonly error?: string;
  /** What the output must contain. */
  readonly says?: string;
  /** What differs from the base image: a description for each path, null for one that is gone. */
  readonly tree?: Readonly<Record<string, string | null>>;
  /** What the configuration must say; members that are not named must be the base image's. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Why buildah's result is another one; checked by bench/build-corpus.ts. */
  readonly buildah?: string;
}

export interface CorpusCase extends Expectation {
  readonly name: string;
  readonly hasBase: boolean;
  readonly fromScratch: boolean;
}

export function corpusCases(): CorpusCase[] {
  return readdirSync(corpusDir).map((name) => {
    const dir = join(corpusDir, name);
    const expectation: Expectation = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8'));
    const fromLines = readFileSync(join(dir, 'Dockerfile'), 'utf8').match(/^\uFEFF?from .*$/gim) ?? [];
    return {
      ...expectation,
      name,
      hasBase: existsSync(join(dir, 'base.Dockerfile')),
      fromScratch: /from\s+scratch/i.test(fromLines.at(-1) ?? ''),
    };
  });
}

/** A copy of the case below `target`, with plain modes. */
export function copyCase(name: string, target: string): void {
  cpSync(join(corpusDir, name), target, { recursive: true });
  mkdirSync(`${target}/context`, { recursive: true });
  for (const path of ['', ...readdirSync(target, { recursive: true, encoding: 'utf8' })]) {
    const stat = statSync(`${target}/${path}`);
    chmodSync(`${target}/${path}`, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}

/** The members of two configurations that differ; empty ones and what only means the default count as absent. */
export function configChanges(base: ImageContent, image: ImageContent): Record<string, unknown> {
  const [before, after] = [plainConfig(base), plainConfig(image)];
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .sort();
  return Object.fromEntries(changed.map((key) => [key, after[key] ?? null]));
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function plainConfig({ config, author }: ImageContent): Record<string, unknown> {
  const env = asArray(config.Env).filter((each) => each !== defaultPath);
  const labels = Object.fromEntries(
    Object.entries(asObject(config.Labels)).filter(([key]) => !key.startsWith('io.buildah.')),
  );
  const { User, Cmd, Entrypoint, StopSignal, Shell, OnBuild } = config;
  const plain = {
    ...{ User, Cmd, Entrypoint, StopSignal, Shell, OnBuild },
    author,
    Env: env,
    Labels: sorted(labels),
    ExposedPorts: Object.keys(asObject(config.ExposedPorts)).sort(),
    Volumes: Object.keys(asObject(config.Volumes)).sort(),
    Healthcheck: sorted(asObject(config.Healthcheck)),
    WorkingDir: config.WorkingDir === '/' ? '' : config.WorkingDir,
  };
  return Object.fromEntries(Object.entries(plain).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

const asArray = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const asObject = (value: unknown) =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const sorted = (value: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

/** What an expectation says, in the form of `configChanges`. */
export function expectedConfig({ config = {} }: Expectation, base: ImageContent): Record<string, unknown> {
  const { 'Env+': more, ...rest } = config;
  const inherited = asArray(base.config.Env).filter((each) => each !== defaultPath);
  const added = asArray(more);
  const names = added.map((each) => each.slice(0, each.indexOf('=') + 1));
  const env = [...inherited.filter((each) => !names.some((name) => each.startsWith(name))), ...added];
  const lists = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      key === 'ExposedPorts' || key === 'Volumes'
        ? asArray(value).sort()
        : key === 'Labels' || key === 'Healthcheck'
          ? sorted(asObject(value))
          : value,
    ]),
  );
  const before = plainConfig(base);
  const wanted = { ...lists, ...(more === undefined ? {} : { Env: env }) };
  const changed = Object.entries(wanted).filter(
    ([key, value]) => JSON.stringify(before[key] ?? null) !== JSON.stringify(value),
  );
  return sorted(Object.fromEntries(changed));
}

/** How an image differs from its base, in the terms of an expectation. */
export function outcomeOf(base: ImageContent, image: ImageContent) {
  return { tree: changesBetween(base.tree, image.tree), config: configChanges(base, image) };
}

export const emptyImage: ImageContent = { tree: {}, config: {}, layerCount: 0 };
