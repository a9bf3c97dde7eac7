/**
 * The corpus of Dockerfiles (test/corpus) built by buildah, and its trees and configurations compared with what the
 * corpus expects, which is what ctr's own test demands: `node bench/build-corpus.ts [CASE…]`. Every difference needs
 * its reason in the case's expected.json (`buildah`), and every reason a difference; `--write` puts them into
 * docs/build-corpus.md.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type CorpusCase, corpusCases } from '../test/support/corpus.ts';
import { type Builder, buildCase, type CaseResult, demanded } from '../test/support/corpus-runner.ts';
import { startFileServer } from '../test/support/file-server.ts';
import { type ImageContent, readImage } from '../test/support/image-tree.ts';
import { imageLayout } from '../test/support/images.ts';
import { configurePodman, withUnifiedCgroups } from '../test/support/podman.ts';
import { asUser, asUserArgv } from '../test/support/run-as.ts';
import { callingUser, createHome, createUser, removeTree, removeUser } from '../test/support/user.ts';

const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const base = mkdtempSync(`${tmpdir()}/ctr-corpus-`);
chmodSync(base, 0o755);
const user = createUser(true, `${base}/home`);
const http = await startFileServer(`${base}/http`);
try {
  const builder = await makeBuilder();
  const cases = corpusCases().filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const rows: Array<{ name: string; differs: string[]; reason: string }> = [];
  for (const each of cases) {
    const { result, base: from } = await buildCase(each, builder);
    const differs = differences(each, result, from);
    rows.push({ name: each.name, differs, reason: each.buildah ?? '' });
    if (differs.length > 0 || each.buildah !== undefined) report(each, differs);
  }
  const unexplained = rows.filter(({ differs, reason }) => differs.length > 0 !== (reason !== ''));
  const same = rows.filter(({ differs }) => differs.length === 0).length;
  console.log(
    `${rows.length} cases: ${same} the same, ${rows.length - same} different, ${unexplained.length} unexplained`,
  );
  if (process.argv.includes('--write')) writeTable(rows, same);
  process.exitCode = unexplained.length === 0 ? 0 : 1;
} finally {
  http.close();
  removeUser(user);
  removeTree(base);
}

async function makeBuilder(): Promise<Builder> {
  // buildah keeps cache mounts below TMPDIR, by uid: those of an earlier user of that uid must not be found.
  const env = { ...createHome(user, `${base}/home`, process.env.PATH ?? ''), TMPDIR: `${base}/home` };
  configurePodman(`${base}/home`);
  const work = `${base}/work`;
  mkdirSync(work);
  for (const dir of ['.config', '.config/containers']) chownSync(`${base}/home/${dir}`, user.uid, user.gid);
  chownSync(work, user.uid, user.gid);
  // A mount namespace with unified cgroups is the caller's to make; the program in it is the user's.
  const sh = (command: string, cwd: string) =>
    asUser(callingUser(), withUnifiedCgroups(asUserArgv(user, ['sh', '-c', command])), {
      env,
      cwd,
      timeoutMs: 120_000,
    });
  const layout = `${base}/busybox`;
  cpSync(await imageLayout('busybox'), layout, { recursive: true });
  execFileSync('chmod', ['-R', 'a+rX', layout]);
  // Named after the path that it is pulled from: localhost/busybox.
  const pulled = await sh('buildah pull -q oci:busybox:latest', base);
  if (pulled.code !== 0) throw new Error(pulled.stderr);
  const save = (reference: string, file: string) => `buildah push -q ${reference} docker-archive:${file}`;
  await sh(save('localhost/busybox', `${work}/busybox.tar`), work);
  return {
    sh,
    work,
    owner: user,
    httpUrl: http.url,
    busybox: await readImage(`${work}/busybox.tar`),
    build: (flags) => `buildah build --format docker --pull-never --layers=false ${flags}`,
    save,
  };
}

function differences(each: CorpusCase, result: CaseResult, from: ImageContent): string[] {
  if ('failed' in result) {
    const lines = result.failed.trim().split('\n');
    const told = lines.find((line) => /^(Error|panic):/.test(line)) ?? lines.at(-1) ?? '';
    return each.error === undefined ? [`fails: ${told.trim()}`] : [];
  }
  if (each.error !== undefined) return ['builds it'];
  const { tree, config } = demanded(each, from);
  const own = Object.entries(result.tree).filter(([path, text]) => !isMountPoint(path, text));
  return [
    ...memberDifferences('/', tree, Object.fromEntries(own)),
    ...memberDifferences('config ', config, result.config),
  ];
}

/** What every RUN of buildah leaves behind: the empty files and the directory that it mounts its own over. */
function isMountPoint(path: string, description: string | null): boolean {
  if (path === 'run') return description === 'dir 0755 0:0';
  return /^etc\/(hostname|hosts|resolv\.conf)$/.test(path) && description === 'file 0700 0:0 ""';
}

function memberDifferences(prefix: string, want: Record<string, unknown>, have: Record<string, unknown>): string[] {
  const keys = [...new Set([...Object.keys(want), ...Object.keys(have)])].sort();
  const text = (record: Record<string, unknown>, key: string) => {
    if (!Object.hasOwn(record, key)) return 'as in the base';
    return record[key] === null
      ? 'absent'
      : typeof record[key] === 'string'
        ? record[key]
        : JSON.stringify(record[key]);
  };
  return keys
    .filter((key) => text(want, key) !== text(have, key) && !/ …$/.test(text(want, key)))
    .map((key) => `${prefix}${key}: buildah ${text(have, key)}; expected ${text(want, key)}`);
}

function report({ name, buildah }: CorpusCase, differs: readonly string[]): void {
  console.log(`${name}${buildah === undefined ? '  UNEXPLAINED' : `: ${buildah}`}`);
  for (const line of differs) console.log(`    ${line.slice(0, 300)}`);
}

function writeTable(rows: ReadonlyArray<{ name: string; differs: string[]; reason: string }>, same: number): void {
  const different = rows.filter(({ differs }) => differs.length > 0);
  const lines = different.map(({ name, reason }) => `| \`${name}\` | ${reason} |`);
  const text = `# The corpus and buildah

${rows.length} small Dockerfiles (test/corpus) are built by \`ctr build\` in the test suite and compared with what each expects.
\`node bench/build-corpus.ts\` builds the same ones with buildah 1.28.2: ${same} give the same tree and configuration (or fail
alike); these ${different.length} do not. Not counted is what every RUN of buildah leaves in the image: empty
\`/etc/hosts\`, \`/etc/hostname\` and \`/etc/resolv.conf\` with mode 0700, and \`/run\`.

| case | why buildah differs |
| --- | --- |
${lines.join('\n')}
`;
  const file = `${import.meta.dirname}/../docs/build-corpus.md`;
  writeFileSync(file, text);
  execFileSync('biome', ['format', '--write', file]);
}
