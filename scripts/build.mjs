/**
 * Bundle src/ into dist/program.cjs: one CommonJS file, whose modules run when they are first imported, and its
 * loader dist/ctr.cjs. That starts fastest (docs/adr/0002-bundle-and-start-up.md).
 * Packages that only some commands need are files of their own. ffi-rs stays outside: src/linux/ffi.ts loads it.
 */
import { renameSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

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

/** Built aside and moved into place as a whole: a build that fails leaves the last good one. */
const fresh = `dist.${process.pid}`;
await build({
  ...shape,
  entryPoints: { program: 'src/main.ts', ctr: 'src/start.ts' },
  outdir: fresh,
  outExtension: { '.js': '.cjs' },
  external: ['ffi-rs', '@yuuang/*'],
  loader: { '.txt': 'text' },
  // require() instead of import(): a script with a code cache has no import(), and require is faster.
  supported: { 'dynamic-import': false },
  plugins: [withoutSubprograms, packagesApart],
  define: {
    'import.meta.url': '__moduleUrl',
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
  },
  banner: { js: "const __moduleUrl = 'file://' + encodeURI(__filename);" },
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
