/**
 * `npm run bench [-- --cold] [words of a case's name]`: ctr beside podman, crun and a bare Node, as an unprivileged
 * user, in turns (A B A B …). Prints a Markdown table and writes bench/results/latest.json.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { installTool } from '../test/support/global-setup.ts';
import { pushFixture, unpackBusybox } from '../test/support/images.ts';
import { configurePodman, hasUnifiedCgroups, startPodman, withUnifiedCgroups } from '../test/support/podman.ts';
import { startRegistry } from '../test/support/registry.ts';
import { callingUser, createHome, createUser, removeStaleUsers, removeTree, removeUser } from '../test/support/user.ts';
import { type Case, casesFor } from './cases.ts';
import { manyImages } from './many-images.ts';
import { median, outputOf, type Place, peakMemory, type Subject, timed } from './measure.ts';

interface Row {
  readonly name: string;
  readonly subject: string;
  readonly unit: string;
  readonly median: number;
  /** Of ctr's median to this subject's: below 1, ctr is faster, but where the unit is a rate, above. */
  readonly ratio: number;
  readonly peakMemoryBytes?: number;
  readonly values: readonly number[];
}

const isRoot = process.getuid?.() === 0;
const withCold = process.argv.includes('--cold') && isRoot;
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const rows: Row[] = [];

if (isRoot && !hasUnifiedCgroups()) {
  // crun and podman refuse hybrid hosts: all subjects run in a mount namespace that shows them a pure cgroup v2.
  const [program = '', ...args] = withUnifiedCgroups([process.execPath, ...process.argv.slice(1)]);
  process.exit(spawnSync(program, args, { stdio: 'inherit' }).status ?? 1);
}
if (isRoot) removeStaleUsers();
const base = mkdtempSync(join(tmpdir(), 'ctr-bench-'));
chmodSync(base, 0o711);
const home = `${base}/home`;
const user = isRoot ? createUser(true, home) : callingUser();
const registry = await startRegistry();
const target = await startRegistry();
try {
  installTool(`${base}/install`);
  const env = createHome(user, home, `${base}/install/bin:${process.env.PATH ?? ''}`);
  configurePodman(home, [registry.host, target.host]);
  for (const path of globSync(`${home}/.config{,/**}`)) chownSync(path, user.uid, user.gid);
  await startPodman(user, env);
  const place: Place = { user, env, cwd: home };
  const node = globSync(`${base}/install/node_modules/node-linux-*/bin/node`)[0] ?? process.execPath;
  const [small, large] = [await pushFixture(registry.host, 'busybox'), await pushFixture(registry.host, 'sixlayers')];
  const web = await pushFixture(registry.host, 'web');
  const bundle = await makeBundle(place);
  const many = `${home}/many.tar`;
  writeFileSync(many, await manyImages(500));
  const things = { ctr: `${base}/install/bin/ctr`, node, bundle, small, large, web, many, target };
  for (const one of casesFor(things)) {
    if (one.cold === true && !withCold) continue;
    if (words.every((word) => one.name.includes(word))) rows.push(...(await compare(place, one)));
  }
} finally {
  await registry.stop();
  await target.stop();
  if (isRoot) removeUser(user);
  removeTree(base);
}
report();

/** A round of warming up (of cases that take long the only one counts), then the rounds that count, the subjects in turns. */
async function compare(place: Place, one: Case): Promise<Row[]> {
  const values = new Map<Subject, number[]>(one.subjects.map((subject) => [subject, []]));
  for (const { prepare } of one.subjects) if (prepare !== undefined) await timed(place, prepare);
  for (let round = 0; round <= one.rounds; round++) {
    if (round === 0 && one.rounds === 1) continue;
    for (const [subject, list] of values) {
      if (one.cold === true) execFileSync('sh', ['-c', 'sync; echo 3 >/proc/sys/vm/drop_caches']);
      const value = one.rate
        ? one.rate.of(await outputOf(place, subject.argv))
        : await together(place, subject, one.parallel ?? 1);
      if (round > 0) list.push(value);
      await reset(place, subject);
    }
  }
  const peaks = new Map<Subject, number>();
  for (const subject of one.memory === true ? one.subjects : []) {
    peaks.set(subject, await peakMemory(place, subject.argv));
    await reset(place, subject);
  }
  for (const [{ label }, list] of values) process.stderr.write(`${one.name}: ${label} ${list.map(round1).join(' ')}\n`);
  for (const { finish } of one.subjects) if (finish !== undefined) await timed(place, finish);
  const own = median([...values.values()][0] ?? []);
  return [...values].map(([subject, list]) => ({
    name: one.name,
    subject: subject.label,
    unit: one.rate?.unit ?? 'ms',
    median: round1(median(list)),
    ratio: Math.round((own / median(list)) * 100) / 100,
    ...(peaks.has(subject) ? { peakMemoryBytes: peaks.get(subject) ?? 0 } : {}),
    values: list.map(round1),
  }));
}

async function reset(place: Place, { reset: action }: Subject): Promise<void> {
  if (typeof action === 'function') action();
  else if (action !== undefined) await timed(place, action);
}

async function together(place: Place, subject: Subject, parallel: number): Promise<number> {
  const begin = performance.now();
  const each = await Promise.all(Array.from({ length: parallel }, () => timed(place, subject.argv)));
  return parallel === 1 ? (each[0] ?? 0) : performance.now() - begin;
}

/** A ready bundle for crun: busybox, own id only, the namespaces that `--network none` means. */
async function makeBundle(place: Place): Promise<string> {
  const bundle = `${place.cwd}/bundle`;
  await unpackBusybox(`${bundle}/rootfs`);
  execFileSync('crun', ['spec', '--rootless'], { cwd: bundle });
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
  config.process.terminal = false;
  config.process.args = ['/bin/true'];
  config.linux.uidMappings = [{ containerID: 0, hostID: place.user.uid, size: 1 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: place.user.gid, size: 1 }];
  if (!config.linux.namespaces.some(({ type }: { type: string }) => type === 'network')) {
    config.linux.namespaces.push({ type: 'network' });
  }
  config.mounts = config.mounts.filter(({ type }: { type: string }) => type !== 'cgroup');
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
  for (const path of globSync(`${bundle}{,/rootfs,/config.json}`)) chownSync(path, place.user.uid, place.user.gid);
  return bundle;
}

function report(): void {
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    kernel: release(),
    date: new Date().toISOString(),
  };
  mkdirSync(`${import.meta.dirname}/results`, { recursive: true });
  writeFileSync(`${import.meta.dirname}/results/latest.json`, `${JSON.stringify({ machine, rows }, null, 2)}\n`);
  const lines = ['| case | subject | median | ctr / subject | peak MB |', '| --- | --- | ---: | ---: | ---: |'];
  for (const { name, subject, unit, median, ratio, peakMemoryBytes } of rows) {
    const peak = peakMemoryBytes === undefined ? '' : Math.round(peakMemoryBytes / 1e6);
    lines.push(`| ${name} | ${subject} | ${median} ${unit} | ${ratio} | ${peak} |`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
