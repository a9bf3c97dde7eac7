import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { identifyProcess, isAlive } from '../../../src/linux/process-identity.ts';
import { readRunningState, writeState } from '../../../src/storage/container-state.ts';
import {
  allocateContainer,
  findContainerId,
  listContainers,
  readContainer,
  removeContainer,
  renameContainer,
  resolveContainer,
} from '../../../src/storage/container-store.ts';
import { layout } from '../../../src/storage/layout.ts';
import { lockOf, tryLock } from '../../../src/storage/lock.ts';
import { ensureDataRoot } from '../../../src/storage/roots.ts';
import { type TestHost, temporaryHost } from '../../support/store.ts';

const details = {
  createdAt: '2024-01-01T00:00:00Z',
  command: ['sh'],
  labels: { a: 'b' },
  diffIds: [],
  ownerKind: 's',
  driver: 'overlay',
  request: { any: ['thing'] },
} as const;

function create(host: TestHost, name?: string, createdAt: string = details.createdAt) {
  using container = allocateContainer(host, name);
  return container.commit({ ...details, createdAt });
}

describe('allocateContainer [I]', () => {
  it('makes a container that is found by name, ID and beginning of the ID', () => {
    const host = temporaryHost();
    const container = create(host, 'web');
    for (const key of ['web', container.id, container.id.slice(0, 12)]) {
      expect(resolveContainer(host, key)).toEqual({ ...details, id: container.id, name: 'web' });
    }
  });

  it('gives a name of two words to a container without one', () => {
    expect(create(temporaryHost()).name).toMatch(/^[a-z]+_[a-z]+$/);
  });

  it('refuses a name that is taken and leaves nothing of the attempt', () => {
    const host = temporaryHost();
    const { id } = create(host, 'web');
    expect(() => create(host, 'web')).toThrow(expect.objectContaining({ code: 'EXISTS' }));
    expect(readdirSync(layout.containers(host))).toEqual([id]);
    expect(readdirSync(layout.names(host))).toEqual(['web']);
  });

  it('takes over the name of a container that is gone', () => {
    const host = temporaryHost();
    ensureDataRoot(host);
    symlinkSync('f'.repeat(64), layout.name(host, 'web'));
    const { id } = create(host, 'web');
    expect(findContainerId(host, 'web')).toBe(id);
  });

  it.each(['', '-x', 'a/b', '../x', 'a b', '.'])('refuses the name %j', (name) => {
    expect(() => create(temporaryHost(), name)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  it('is invisible and locked until it is committed, and gone when it is not', () => {
    const host = temporaryHost();
    {
      using container = allocateContainer(host, 'web');
      expect(listContainers(host)).toEqual({ containers: [], broken: [] });
      expect(tryLock(lockOf(host, 'container', container.id))).toBeUndefined();
    }
    expect(readdirSync(layout.containers(host))).toEqual([]);
    expect(readdirSync(layout.names(host))).toEqual([]);
    expect(readdirSync(layout.locks(host))).toEqual([]);
  });
});

describe('listContainers [I]', () => {
  it('has the newest first and does not stumble over a broken one', () => {
    const host = temporaryHost();
    const old = create(host, 'old', '2024-01-01T00:00:00Z');
    const recent = create(host, 'recent', '2024-06-01T00:00:00Z');
    const broken = create(host, 'broken');
    writeFileSync(`${layout.container(host, broken.id)}/container.json`, '{}');
    const list = listContainers(host);
    expect(list.containers.map(({ id }) => id)).toEqual([recent.id, old.id]);
    expect(list.broken).toMatchObject([{ id: broken.id, reason: expect.stringContaining('expected') }]);
  });

  it('still lets a broken container be found and removed', async () => {
    const host = temporaryHost();
    const { id } = create(host, 'broken');
    writeFileSync(`${layout.container(host, id)}/container.json`, 'x');
    expect(findContainerId(host, 'broken')).toBe(id);
    await removeContainer(host, id);
    expect(findContainerId(host, 'broken')).toBeUndefined();
    create(host, 'broken');
  });
});

describe('renameContainer [I]', () => {
  it('moves the name', () => {
    const host = temporaryHost();
    const container = create(host, 'old');
    renameContainer(host, container, 'new');
    expect(findContainerId(host, 'old')).toBeUndefined();
    expect(resolveContainer(host, 'new').name).toBe('new');
  });
});

describe('removeContainer [I]', () => {
  it('removes directory, name and runtime state', async () => {
    const host = temporaryHost();
    const { id } = create(host, 'web');
    mkdirSync(`${layout.container(host, id)}/work/work`, { recursive: true, mode: 0 });
    mkdirSync(layout.runContainer(host, id), { recursive: true });
    expect(await removeContainer(host, id)).toBe(true);
    expect(readContainer(host, id)).toBeUndefined();
    expect([layout.name(host, 'web'), layout.runContainer(host, id)].map((path) => existsSync(path))).toEqual([
      false,
      false,
    ]);
  });

  it('leaves the name alone when another container has taken it over', async () => {
    const host = temporaryHost();
    const first = create(host, 'web');
    renameContainer(host, first, 'other');
    const second = create(host, 'web');
    await removeContainer(host, first.id);
    expect(findContainerId(host, 'web')).toBe(second.id);
  });
});

describe('container state [I]', () => {
  const self = identifyProcess(process.pid);

  it('says that this process is alive, and not one that had the same number before', () => {
    if (!self) throw new Error('no /proc');
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ ...self, startTime: self.startTime - 1 })).toBe(false);
    expect(isAlive({ ...self, bootId: 'an earlier boot' })).toBe(false);
  });

  it('is running only while the first process lives', () => {
    if (!self) throw new Error('no /proc');
    const host = temporaryHost();
    const { id } = create(host, 'web');
    expect(readRunningState(host, id)).toBeUndefined();
    writeState(host, id, { init: self, startedAt: details.createdAt });
    expect(readRunningState(host, id)?.init.pid).toBe(process.pid);
    writeState(host, id, { init: { ...self, bootId: 'an earlier boot' }, startedAt: details.createdAt });
    expect(readRunningState(host, id)).toBeUndefined();
  });
});
