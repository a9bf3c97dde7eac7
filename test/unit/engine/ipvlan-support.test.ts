import { expect, it } from 'vitest';
import { knowsIpvlan } from '../../../src/engine/ipvlan-support.ts';

it.each([
  ['netavark 1.4.0', false],
  ['netavark 1.5.0', true],
  ['netavark 1.14.0-dev', true],
  ['netavark 2.0.0', true],
  ['', false],
])('knowsIpvlan [U] %j: %s', (version, known) => {
  expect(knowsIpvlan(version)).toBe(known);
});
