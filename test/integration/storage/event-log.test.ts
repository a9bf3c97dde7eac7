import { appendFileSync, existsSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventFilter } from '../../../src/engine/event-filters.ts';
import { EventReader, readEvents, recordEvent } from '../../../src/storage/event-log.ts';
import { layout } from '../../../src/storage/layout.ts';
import { type TestHost, temporaryHost } from '../../support/store.ts';

let host: TestHost;
beforeEach(() => {
  host = temporaryHost();
});

const happen = (name: string, status = 'start', attributes = {}) =>
  recordEvent(host, {
    type: 'container',
    status,
    id: 'c'.repeat(64),
    name,
    image: 'docker.io/library/a:b',
    attributes,
  });

describe('the log of events [I]', () => {
  it('gives back what was recorded, oldest first', () => {
    happen('a');
    happen('b', 'died', { k: 'v' });
    expect(readEvents(host).map(({ name, status, attributes }) => [name, status, attributes])).toEqual([
      ['a', 'start', {}],
      ['b', 'died', { k: 'v' }],
    ]);
  });

  it('is empty before the first event', () => {
    expect(readEvents(host)).toEqual([]);
  });

  it('goes on where the reader stopped, and leaves half a line for the next time', () => {
    const reader = new EventReader(host);
    happen('a');
    expect(reader.next()).toHaveLength(1);
    const line = JSON.stringify({ time: '', type: 't', status: 's', id: 'i', name: 'late', attributes: {} });
    appendFileSync(layout.events(host), line.slice(0, 20));
    expect(reader.next()).toEqual([]);
    appendFileSync(layout.events(host), `${line.slice(20)}\n`);
    expect(reader.next()).toMatchObject([{ name: 'late' }]);
  });

  it('passes over lines that are no events', () => {
    happen('a');
    appendFileSync(layout.events(host), 'torn{\n{"time":1}\n');
    happen('b');
    expect(readEvents(host).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('keeps the older half when it grows, and a reader misses nothing of it', () => {
    const reader = new EventReader(host);
    happen('first');
    expect(reader.next()).toHaveLength(1);
    const filler = { filler: 'x'.repeat(300_000) };
    for (let n = 0; n < 5; n++) happen(`n${n}`, 'start', filler);
    expect(existsSync(`${layout.events(host)}.1`)).toBe(true);
    expect(reader.next().map(({ name }) => name)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
    expect(readEvents(host)).toHaveLength(6);
  });
});

describe('eventFilter [I] podman-events(1)', () => {
  const names = (filters: Readonly<Record<string, readonly string[]>>) =>
    readEvents(host)
      .filter(eventFilter(new Map(Object.entries(filters))))
      .map(({ name, status }) => `${name} ${status}`);

  it('wants all keys, and one value of each', () => {
    happen('a');
    happen('a', 'died', { tier: 'web' });
    happen('b', 'died');
    expect(names({ container: ['a'] })).toEqual(['a start', 'a died']);
    expect(names({ container: ['a'], event: ['died'] })).toEqual(['a died']);
    expect(names({ container: ['a', 'b'], event: ['die'] })).toEqual(['a died', 'b died']);
    expect(names({ label: ['tier=web'] })).toEqual(['a died']);
    expect(names({ label: ['tier'], type: ['image'] })).toEqual([]);
    expect(names({ image: ['library/a'], container: ['ccc'] })).toHaveLength(3);
  });
});
