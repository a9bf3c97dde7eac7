/**
 * Once for all e2e tests: a copy of the built tool that any user may read (a checkout may lie in a directory that only
 * its owner enters), and a registry. What dead suites left behind goes first.
 */
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { missing } from './needs.ts';
import { startRegistry } from './registry.ts';
import { removeStaleUsers, removeTree } from './user.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The directory that everything of this run is below. */
    base: string;
    /** Empty where there is none. */
    registryHost: string;
  }
}

const repository = join(import.meta.dirname, '../..');

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.getuid?.() === 0) removeStaleUsers();
  const base = mkdtempSync(join(tmpdir(), 'ctr-e2e-'));
  chmodSync(base, 0o711);
  if (process.env.CTR_E2E_TOOL === undefined) installTool(`${base}/install`);
  else installStandIn(`${base}/install`, process.env.CTR_E2E_TOOL);
  project.provide('base', base);
  const registry = missing('registry') === undefined ? await startRegistry() : undefined;
  project.provide('registryHost', registry?.host ?? '');
  return async () => {
    await registry?.stop();
    removeTree(base);
  };
}

/** What `npm pack` would ship, with the packages it needs at run time; big files as hard links where that works. */
export function installTool(target: string): void {
  if (!existsSync(`${repository}/dist`)) throw new Error('dist/ is missing: npm run build');
  mkdirSync(target, { recursive: true, mode: 0o755 });
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(`${repository}/${part}`, `${target}/${part}`, { recursive: true });
  const packages = readdirSync(`${repository}/node_modules`);
  const needed = packages.filter((name) => name === 'ffi-rs' || name === '@yuuang' || name.startsWith('node-linux-'));
  for (const name of needed) copyLinked(`${repository}/node_modules/${name}`, `${target}/node_modules/${name}`);
}

function installStandIn(target: string, tool: string): void {
  mkdirSync(`${target}/bin`, { recursive: true, mode: 0o755 });
  writeFileSync(`${target}/bin/ctr`, `#!/bin/sh\nexec ${tool} "$@"\n`, { mode: 0o755 });
}

function copyLinked(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, copy] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory()) {
      if (entry.name !== 'include' && entry.name !== 'share') copyLinked(source, copy);
      continue;
    }
    try {
      linkSync(source, copy);
    } catch {
      cpSync(source, copy); // EXDEV: the temporary directory is another file system
    }
  }
}
