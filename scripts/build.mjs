/**
 * Bundle src/ into dist/ (docs/adr/0002-bundle-and-start-up.md): `program.cjs` is all of it. The commands of every day
 * have two bundles each: `run.cjs` holds what `run` always loads, `run-rest.cjs` what it may need besides, so that a
 * start does not read, and V8 does not restore, what it does not use. `ctr.cjs` (src/start.ts) chooses. Packages that
 * only some commands need are files of their own. `api.mjs` is the npm API, with its types in types/.
 * ffi-rs stays outside: src/linux/ffi.ts loads it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
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

/** What `./x.ts` means in a file of the folder `from`: as in src/x.ts. */
const fileOf = (path, from) => relative('.', resolve(from, path));

/** Modules that `isShared` are taken by their path from what the bundles offer, when they are first imported. */
const fromTable = (isShared) => ({
  name: 'from-table',
  setup(bundler) {
    bundler.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const file = fileOf(path, resolveDir);
      return isShared(file) ? { path: file, namespace: 'table' } : undefined;
    });
    bundler.onLoad({ filter: /.*/, namespace: 'table' }, ({ path }) => ({
      contents: `module.exports = offered(${JSON.stringify(path)});`,
    }));
  },
});

/** import() of a module takes it from what the bundles offer: without the two functions that esbuild makes for each. */
const importsFromTable = {
  name: 'imports-from-table',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replace(
        /\bimport\('(\.[^']+)'\)/g,
        (_, to) => `imported(${JSON.stringify(fileOf(to, dirname(path)))})`,
      ),
    }));
  },
};

/** A module called `name` that is no file. */
const virtual = (name, contents) => ({
  name: 'virtual',
  setup(bundler) {
    bundler.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: 'virtual' }));
    bundler.onLoad({ filter: /.*/, namespace: 'virtual' }, () => ({ contents, resolveDir: '.' }));
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
await build({
  ...shape,
  ...{ format: 'esm', target: 'node20', entryPoints: { api: 'src/api/index.ts' }, outdir: fresh },
  outExtension: { '.js': '.mjs' },
  // For the packages in it that are CommonJS.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
execFileSync('node_modules/.bin/tsc', ['--project', 'tsconfig.api.json', '--outDir', `${fresh}/types`]);
rmSync('dist', { recursive: true, force: true });
renameSync(fresh, 'dist');

/** All of it; returns every module with what it imports, and how. */
async function buildProgram() {
  const { metafile } = await bundle({
    stdin: { contents: `import './${root}';`, resolveDir: '.' },
    outfile: `${fresh}/program.cjs`,
    metafile: true,
    plugins: [withoutSubprograms, packagesApart],
  });
  const files = Object.entries(metafile.inputs).filter(([file]) => file !== '<stdin>');
  return files.map(([file, { imports }]) => ({
    file,
    imports: imports.filter(({ external }) => !external).map(({ path, kind }) => ({ to: path, kind })),
  }));
}

async function buildEveryDay(name, entries) {
  const own = new Set([root, ...entries].flatMap((entry) => [...staticImports(entry)]));
  const edges = graph.flatMap(({ file, imports }) => imports.map((each) => ({ ...each, isOwn: own.has(file) })));
  const targets = (wanted) => new Set(edges.filter(wanted).map(({ to }) => to));
  const isDynamic = ({ kind }) => kind === 'dynamic-import';
  const rest = targets((edge) => isDynamic(edge) && !own.has(edge.to));
  const shared = targets((edge) => own.has(edge.to) && (!edge.isOwn || isDynamic(edge)));
  await bundle({
    stdin: { contents: `import 'table';import './${root}';`, resolveDir: '.' },
    outfile: `${fresh}/${name}.cjs`,
    minifyIdentifiers: true,
    plugins: [virtual('table', await gettersOf(shared)), importsFromTable, withoutSubprograms, packagesApart],
  });
  const rows = [...rest].map((file) => `${JSON.stringify(file)}: () => require('./${file}'),`);
  await bundle({
    stdin: { contents: `offer({\n${rows.join('\n')}\n});\n`, resolveDir: '.' },
    outfile: `${fresh}/${name}-rest.cjs`,
    plugins: [fromTable((file) => own.has(file)), withoutSubprograms, packagesApart],
  });
}

/**
 * A module that offers `files` by their paths. Not by require(), nor as namespaces: esbuild would then wrap every module
 * in a function of its own and make a function for each export, all of which V8 restores at every start.
 */
async function gettersOf(files) {
  const { metafile } = await build({
    ...{
      entryPoints: [...files],
      outdir: 'unwritten',
      write: false,
      metafile: true,
      format: 'esm',
      logLevel: 'warning',
    },
  });
  const modules = Object.values(metafile.outputs).map(({ entryPoint, exports }, index) => {
    const names = exports.map((each) => ({ name: each, local: `${each}$${index}` }));
    const imports = names.map(({ name, local }) => `${name} as ${local}`);
    const getters = names.map(({ name, local }) => `get ${name}() { return ${local}; },`);
    return {
      statement: `import { ${imports.join(', ')} } from './${entryPoint}';\n`,
      row: `${JSON.stringify(entryPoint)}: () => ({ ${getters.join(' ')} }),\n`,
    };
  });
  return `${modules.map(({ statement }) => statement).join('')}offer({\n${modules.map(({ row }) => row).join('')}});\n`;
}

function staticImports(entry, seen = new Set()) {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const { kind, to } of graph.find(({ file }) => file === entry)?.imports ?? []) {
    if (kind !== 'dynamic-import') staticImports(to, seen);
  }
  return seen;
}
