/**
 * Bundle src/ into dist/ (docs/adr/0002-bundle-and-start-up.md): `program.cjs` is all of it. The commands of every day
 * have two bundles each: `run.cjs` holds what `run` always loads, `run-rest.cjs` what it may need besides, so that a
 * start does not read, and V8 does not restore, what it does not use. `ctr.cjs` (src/start.ts) chooses. Packages that
 * only some commands need are files of their own. ffi-rs stays outside: src/linux/ffi.ts loads it.
 */
import { renameSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = 'src/main.ts';
/** The commands whose start counts, with the modules that they import dynamically every time. */
const everyDay = {
  run: ['src/cli/run.ts', 'src/engine/cgroups.ts', 'src/net/pasta.ts'],
  exec: ['src/cli/exec.ts', 'src/engine/exec-output.ts'],
  ps: ['src/cli/ps.ts'],
};

const apart = ['node-fetch', 'execa', 'tar-stream', 'smol-toml'];
const shape = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** Commander loads node:child_process for subcommands that are programs of their own: 4 ms, and ctr has none. */
const withoutSubprograms = {
  name: 'without-subprograms',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/node_modules/commander/') ? { path: 'nothing', namespace: 'nothing' } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const packagesApart = {
  name: 'packages-apart',
  setup(bundler) {
    bundler.onResolve({ filter: new RegExp(`^(${apart.join('|')})$`) }, ({ path }) => ({
      path: `./packages/${path}.cjs`,
      external: true,
    }));
  },
};

/** Modules that `isElsewhere` are taken from the other bundle, by their path, when they are first imported. */
const fromOtherBundle = (isElsewhere) => ({
  name: 'from-other-bundle',
  setup(bundler) {
    bundler.onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
      const file = relative('.', resolve(resolveDir, path));
      return isElsewhere(file, kind) ? { path: file, namespace: 'elsewhere' } : undefined;
    });
    bundler.onLoad({ filter: /.*/, namespace: 'elsewhere' }, ({ path }) => ({
      contents: `module.exports = elsewhere(${JSON.stringify(path)});`,
    }));
  },
});

const bundle = (options) =>
  build({
    ...shape,
    external: ['ffi-rs', '@yuuang/*'],
    loader: { '.txt': 'text' },
    // require() instead of import(): a script with a code cache has no import(), and require is faster.
    supported: { 'dynamic-import': false },
    define: {
      'import.meta.url': '__moduleUrl',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    banner: { js: "const __moduleUrl = 'file://' + encodeURI(__filename);" },
    ...options,
  });

/** Built aside and moved into place as a whole: a build that fails leaves the last good one. */
const fresh = `dist.${process.pid}`;
const graph = await buildProgram();
for (const [name, entries] of Object.entries(everyDay)) await buildEveryDay(name, entries);
await build({
  ...shape,
  entryPoints: { ctr: 'src/start.ts' },
  outdir: fresh,
  outExtension: { '.js': '.cjs' },
  define: { EVERY_DAY: JSON.stringify(Object.keys(everyDay)) },
});
await build({
  ...shape,
  entryPoints: Object.fromEntries(apart.map((name) => [name, name])),
  outdir: `${fresh}/packages`,
  outExtension: { '.js': '.cjs' },
  // As Node does it for its own: a default export is the module itself, with the named ones as members.
  footer: { js: 'if (module.exports.default) module.exports = Object.assign(module.exports.default, module.exports);' },
});
rmSync('dist', { recursive: true, force: true });
renameSync(fresh, 'dist');

/** All of it; returns every module with what it imports, and how. */
async function buildProgram() {
  const { metafile } = await bundle({
    entryPoints: [root],
    outfile: `${fresh}/program.cjs`,
    metafile: true,
    plugins: [withoutSubprograms, packagesApart],
  });
  return Object.entries(metafile.inputs).map(([file, { imports }]) => ({
    file,
    imports: imports.filter(({ external }) => !external).map(({ path, kind }) => ({ to: path, kind })),
  }));
}

async function buildEveryDay(name, entries) {
  const own = new Set([root, ...entries].flatMap((entry) => [...staticImports(entry)]));
  const edges = graph.flatMap(({ file, imports }) => imports.map((each) => ({ ...each, isOwn: own.has(file) })));
  const targets = (wanted) => new Set(edges.filter(wanted).map(({ to }) => to));
  const rest = targets(({ kind, to }) => kind === 'dynamic-import' && !own.has(to));
  await bundle({
    stdin: {
      contents: `${table(targets(({ isOwn, to }) => !isOwn && own.has(to)))}require('./${root}');`,
      resolveDir: '.',
    },
    outfile: `${fresh}/${name}.cjs`,
    minifyIdentifiers: true,
    plugins: [
      fromOtherBundle((file, kind) => kind === 'dynamic-import' && rest.has(file)),
      withoutSubprograms,
      packagesApart,
    ],
  });
  await bundle({
    stdin: { contents: table(rest), resolveDir: '.' },
    outfile: `${fresh}/${name}-rest.cjs`,
    plugins: [fromOtherBundle((file) => own.has(file)), withoutSubprograms, packagesApart],
  });
}

/** What a bundle offers to the other one. */
function table(files) {
  const rows = [...files].map((file) => `${JSON.stringify(file)}: () => require('./${file}'),`);
  return `module.exports = {\n${rows.join('\n')}\n};\n`;
}

function staticImports(entry, seen = new Set()) {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const { kind, to } of graph.find(({ file }) => file === entry)?.imports ?? []) {
    if (kind !== 'dynamic-import') staticImports(to, seen);
  }
  return seen;
}
