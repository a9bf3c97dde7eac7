/**
 * Bundle src/ into dist/: one chunk for the hot path, one for each command that is loaded lazily.
 * ffi-rs stays outside: its native file is loaded by src/linux/ffi.ts.
 */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { ctr: 'src/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  chunkNames: 'chunks/[name]-[hash]',
  external: ['ffi-rs', '@yuuang/*'],
  loader: { '.txt': 'text' },
  legalComments: 'none',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
