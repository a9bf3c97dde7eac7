/** `--filter` of `network ls` and `network prune`: conditions of one key are or-ed (labels: and-ed), keys and-ed. */
import type { NetworkRecord } from '../storage/network-store.ts';

export const networkFilterKeys = [
  'name',
  'id',
  'driver',
  'label',
  'label!',
  'dangling',
  'scope',
  'type',
  'until',
] as const;

export interface NetworkFilterFacts {
  readonly isUsed: (network: NetworkRecord) => boolean;
  /** A point in time as the user writes it, in milliseconds. */
  readonly parseTime: (text: string) => number;
}

export function networkFilter(
  filters: ReadonlyMap<string, readonly string[]>,
  facts: NetworkFilterFacts,
): (network: NetworkRecord) => boolean {
  const tests = [...filters].map(([key, values]) => (network: NetworkRecord) => {
    const holding = (value: string) => holds(key, value, network, facts);
    return /^label/.test(key) ? values.every(holding) : values.some(holding);
  });
  return (network) => tests.every((test) => test(network));
}

function holds(key: string, value: string, network: NetworkRecord, facts: NetworkFilterFacts): boolean {
  switch (key) {
    case 'name':
      return new RegExp(value).test(network.name);
    case 'id':
      return network.id.startsWith(value);
    case 'driver':
      return network.driver === value;
    case 'scope':
      return value === 'local';
    case 'type':
      return (value === 'builtin') === (network.name === 'bridge');
    case 'label':
      return hasLabel(network, value);
    case 'label!':
      return !hasLabel(network, value);
    case 'dangling':
      return /^(1|t|true)$/i.test(value) !== facts.isUsed(network);
    default:
      return Date.parse(network.created) < facts.parseTime(value);
  }
}

function hasLabel({ labels }: NetworkRecord, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  if (equals === -1) return Object.hasOwn(labels, wanted);
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}
