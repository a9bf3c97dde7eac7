/**
 * Loads the program (dist/program.cjs, made from main.ts) with V8's code cache of an earlier run of the same command.
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
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

const program = `${__dirname}/program.cjs`;

function start(): void {
  const source = `(function (require, module, __filename, __dirname) {${readFileSync(program, 'latin1')}\n})`;
  const cache = cachePlace();
  const cachedData = cache && readOwn(`${cache.parents.at(-1)}/${cache.name}`);
  const script = new Script(source, { filename: program, ...(cachedData ? { cachedData } : {}) });
  if (cache && (!cachedData || script.cachedDataRejected)) process.once('exit', () => keep(cache, script));
  script.runInThisContext()(createRequire(program), { exports: {} }, program, __dirname);
}

interface CachePlace {
  /** Directories to make, outermost first. */
  readonly parents: readonly string[];
  readonly name: string;
}

/** One file for each command, program and Node: V8 itself compares no more than the source's length. */
function cachePlace(): CachePlace | undefined {
  const { env, version, arch, argv } = process;
  const home = env.XDG_CACHE_HOME || (env.HOME && `${env.HOME}/.cache`);
  if (!home?.startsWith('/')) return undefined;
  const { size, mtimeMs } = statSync(program);
  const build = `${home}/ctr/code/${version}-${arch}-${size}-${Math.floor(mtimeMs)}`;
  const name = argv.slice(2).find((word) => /^[a-z]{2,20}$/.test(word)) ?? 'none';
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

start();
