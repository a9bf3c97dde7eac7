import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { layout } from '../../../src/storage/layout.ts';
import { collectOrphans, createStagingDirectory, discardTree, listOrphans } from '../../../src/storage/staging.ts';
import { temporaryDirectory, temporaryHost, writeTree } from '../../support/store.ts';

describe('staging [I]', () => {
  it('is left alone while its maker lives', async () => {
    const host = temporaryHost();
    using staging = createStagingDirectory(host);
    expect(listOrphans(host)).toEqual([]);
    expect(await collectOrphans(host)).toEqual({ removed: [], kept: [] });
    expect(existsSync(staging.path)).toBe(true);
  });

  it('is collected when its maker is gone', async () => {
    const host = temporaryHost();
    const staging = createStagingDirectory(host);
    writeTree(staging.path, { 'a/b': 'c' });
    staging.abandon();
    expect(listOrphans(host)).toEqual([staging.path]);
    expect(await collectOrphans(host)).toEqual({ removed: [staging.path], kept: [] });
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });

  it('is collected when even the lock file is missing', async () => {
    const host = temporaryHost();
    mkdirSync(`${layout.tmp(host)}/stray`, { recursive: true });
    await collectOrphans(host);
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });
});

describe('discardTree [I]', () => {
  it('deletes what overlay and images leave: directories without any permission', async () => {
    const host = temporaryHost();
    createStagingDirectory(host)[Symbol.dispose]();
    const tree = `${layout.containers(host)}/x`;
    writeTree(tree, { 'work/work/': '', 'upper/locked/file': '' });
    chmodSync(`${tree}/work/work`, 0);
    chmodSync(`${tree}/upper/locked`, 0o555);
    expect(await discardTree(host, tree)).toBe(true);
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });

  it('deletes symlinks and not what they point to', async () => {
    const host = temporaryHost();
    createStagingDirectory(host)[Symbol.dispose]();
    const outside = temporaryDirectory();
    writeFileSync(`${outside}/kept`, '');
    const tree = `${layout.containers(host)}/x`;
    mkdirSync(tree, { recursive: true });
    symlinkSync(outside, `${tree}/link`);
    await discardTree(host, tree);
    expect(readdirSync(outside)).toEqual(['kept']);
  });

  it('is content when the tree is gone already', async () => {
    const host = temporaryHost();
    createStagingDirectory(host)[Symbol.dispose]();
    expect(await discardTree(host, `${layout.containers(host)}/none`)).toBe(true);
  });
});

/** Tests run as root, which no permission stops: the rest of the test is the user `nobody`. */
function becomeNobody(path: string): void {
  chownSync(path, 65534, 65534);
  process.seteuid?.(65534);
  onTestFinished(() => process.seteuid?.(0));
}

describe.runIf(process.getuid?.() === 0)('deletion by an unprivileged user [I]', () => {
  it('opens what is its own, and leaves what belongs to subordinate ids for later', async () => {
    const root = temporaryDirectory();
    becomeNobody(root);
    const host = temporaryHost(root);
    createStagingDirectory(host)[Symbol.dispose]();
    const tree = `${layout.containers(host)}/x`;
    writeTree(tree, { 'work/work/': '', 'upper/locked/file': '', 'upper/theirs/file': '' });
    process.seteuid?.(0);
    chownSync(`${tree}/upper/theirs`, 100_999, 100_999);
    process.seteuid?.(65534);
    chmodSync(`${tree}/work/work`, 0);
    chmodSync(`${tree}/upper/locked`, 0o555);
    expect(await discardTree(host, tree)).toBe(false);
    const [orphan = ''] = listOrphans(host);
    expect((await collectOrphans(host)).kept).toEqual([orphan]);
    const asked: string[] = [];
    const report = await collectOrphans(host, (path) => {
      asked.push(path);
      process.seteuid?.(0);
      rmSync(path, { recursive: true });
      process.seteuid?.(65534);
    });
    expect([asked, report.removed]).toEqual([[orphan], [orphan]]);
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });

  it('deletes a tree of its own, whatever its permissions are', async () => {
    const root = temporaryDirectory();
    becomeNobody(root);
    const host = temporaryHost(root);
    createStagingDirectory(host)[Symbol.dispose]();
    const tree = `${layout.containers(host)}/x`;
    writeTree(tree, { 'work/work/': '', 'upper/locked/deep/file': '' });
    for (const path of ['work/work', 'upper/locked/deep', 'upper/locked']) chmodSync(`${tree}/${path}`, 0);
    expect(await discardTree(host, tree)).toBe(true);
    expect(readdirSync(layout.tmp(host))).toEqual([]);
  });
});
