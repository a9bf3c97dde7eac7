/** `ctr events --filter` (podman-events(1)). */
import type { Event } from '../storage/event-log.ts';

type Test = (event: Event, value: string) => boolean;

/** What Docker calls otherwise. */
const podmanWords = new Map([
  ['die', 'died'],
  ['destroy', 'remove'],
]);

const kinds: Readonly<Record<string, Test>> = {
  container: (event, value) => event.type === 'container' && isCalled(event, value),
  event: ({ status }, value) => status === value || status === podmanWords.get(value),
  image: (event, value) => (event.type === 'image' ? isCalled(event, value) : (event.image ?? '').includes(value)),
  label: (event, text) => {
    const [key = '', ...value] = text.split('=');
    const has = Object.hasOwn(event.attributes, key);
    return has && (value.length === 0 || event.attributes[key] === value.join('='));
  },
  type: (event, value) => event.type === value,
};

export const eventFilterKeys: readonly string[] = Object.keys(kinds);

/** Filters of different keys must all hold; of one key one must. */
export function eventFilter(filters: ReadonlyMap<string, readonly string[]>): (event: Event) => boolean {
  return (event) => [...filters].every(([key, values]) => values.some((value) => kinds[key]?.(event, value) ?? false));
}

const isCalled = (event: Event, word: string) => event.name === word || event.id.startsWith(word);
