/**
 * Loads the program (dist/program.cjs, or the command's own smaller bundle: scripts/build.mjs) with V8's code cache of
 * an earlier run of the same command.
 * Node's own compile cache keeps only what was compiled before the program ran; this one is taken at its end, so it
 * holds every function that the command used (docs/adr/0002-bundle-and-start-up.md). A cache that is missing, stale
 * or refused by V8 costs time, never correctness.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { Script } from 'node:vm';

/** The commands that have bundles of their own; set by the build. */
declare const EVERY_DAY: readonly string[];

const command = process.argv.slice(2).find((word) => /^[a-z]{2,20}$/.test(word)) ?? 'none';

/** -d, -it: another way through the program, so another cache. */
const manner = process.argv.find((word) => /^-[dit]{1,3}$/.test(word)) ?? '';

/** A bundle's modules by their paths; one runs when it is first asked for. */
type Modules = Readonly<Record<string, () => unknown>>;

const bundles = new Map<string, Modules>();

/** The bundle `name`, whose modules take those that are `elsewhere` from the bundle `other`. */
function load(name: string, other: string): Modules {
  const known = bundles.get(name);
  if (known) return known;
  const file = `${__dirname}/${name}.cjs`;
  const source = `(function (require, __filename, __dirname, offer, offered, imported) {${readFileSync(file, 'latin1')}\n})`;
  const cache = cachePlace(name, file);
  const cachedData = cache && readOwn(`${cache.parents.at(-1)}/${cache.name}`);
  const script = new Script(source, { filename: file, ...(cachedData ? { cachedData } : {}) });
  if (cache && (!cachedData || script.cachedDataRejected)) process.once('exit', () => keep(cache, script));
  // Offered while it runs: the bundles may import each other's modules meanwhile.
  const offer = (modules: Modules) => bundles.set(name, modules);
  const offered = (path: string) => (bundles.get(name)?.[path] ?? load(other, name)[path])?.();
  const imported = async (path: string) => offered(path);
  script.runInThisContext()(require, file, __dirname, offer, offered, imported);
  return bundles.get(name) ?? {};
}

interface CachePlace {
  /** Directories to make, outermost first. */
  readonly parents: readonly string[];
  readonly name: string;
}

/** One file for each command, bundle, Node and its flags: V8 itself compares no more than the source's length. */
function cachePlace(bundle: string, file: string): CachePlace | undefined {
  const { env, version, arch, execArgv } = process;
  const home = env.XDG_CACHE_HOME || (env.HOME && `${env.HOME}/.cache`);
  if (!home?.startsWith('/')) return undefined;
  const { size, mtimeMs } = statSync(file);
  const build = `${home}/ctr/code/${version}-${arch}-${size}-${Math.floor(mtimeMs)}`;
  // V8 refuses what was compiled with other flags, and the next run with these would start from nothing again.
  const flags = execArgv.join('').replace(/[^a-z0-9-]/g, '');
  const name = [command, bundle, flags + manner].join('.').slice(0, 200);
  return { parents: [home, `${home}/ctr`, `${home}/ctr/code`, build], name };
}

/** A code cache is code: only a file of the caller's own, that nobody else may write, is read. */
function readOwn(path: string): Buffer | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { uid, mode } = fstatSync(fd);
      return uid === process.geteuid?.() && (mode & 0o022) === 0 ? readFileSync(fd) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // The first run, or a home that cannot be read.
  }
}

function keep({ parents, name }: CachePlace, script: Script): void {
  try {
    // Not `recursive`: below /proc, where mkdir(2) says ENOENT for ever, Node does not come back from that.
    for (const directory of parents) if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
    const path = `${parents.at(-1)}/${name}`;
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, script.createCachedData(), { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // No home to write to, or a full disk: the next run is as slow as this one.
  }
}

if (EVERY_DAY.includes(command)) load(command, `${command}-rest`);
else load('program', 'program');
