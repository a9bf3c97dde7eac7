import { describe, expect, it } from 'vitest';
import {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  parsePlatform,
  platformMatches,
} from '../../../src/oci/platform.ts';

const entries = (...platforms: string[]) =>
  platforms.map((text) => {
    const [os = '', architecture = '', variant] = text.split('/');
    return { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) } };
  });

describe('platforms [U] image-spec image-index.md', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['arm64', 'linux/arm64'],
    ['Linux/AMD64', 'linux/amd64'],
  ])('reads %s as %s', (text, normal) => {
    expect(formatPlatform(parsePlatform(text))).toBe(normal);
  });

  it.each(['', 'linux/', 'linux/amd64/v1/x', 'linux/../x', 'a b'])('refuses %j', (text) => {
    expect(() => parsePlatform(text)).toThrow('invalid platform');
  });

  it("names the host in Go's words", () => {
    expect(hostPlatform('x64')).toEqual({ os: 'linux', architecture: 'amd64' });
    expect(hostPlatform('arm64')).toEqual({ os: 'linux', architecture: 'arm64' });
  });

  it.each([
    ['linux/amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
    ['linux/arm64', ['linux/amd64', 'linux/arm64/v8'], 'linux/arm64/v8'],
    ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm64'], 'linux/arm/v6'],
    ['linux/arm/v7', ['linux/arm/v6', 'linux/arm/v7'], 'linux/arm/v7'],
    ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v2'],
    ['linux/amd64', ['linux/amd64/v3'], undefined],
    ['linux/arm/v6', ['linux/arm/v7'], undefined],
    ['linux/amd64', ['unknown/unknown', 'windows/amd64'], undefined],
  ])('chooses for %s among %j', (wanted, offered, chosen) => {
    const all = entries(...offered);
    const expected = all[offered.indexOf(chosen ?? '')];
    expect(choosePlatform(parsePlatform(wanted), all)).toBe(expected);
  });

  it('takes an entry without a platform only when nothing else fits', () => {
    const bare = {};
    const [fitting] = entries('linux/amd64');
    expect(choosePlatform(parsePlatform('linux/amd64'), [bare, fitting!])).toBe(fitting);
    expect(choosePlatform(parsePlatform('linux/arm64'), [bare, fitting!])).toBe(bare);
  });

  it('runs lower variants, never higher ones', () => {
    expect(platformMatches(parsePlatform('linux/arm/v7'), parsePlatform('linux/arm/v5'))).toBe(true);
    expect(platformMatches(parsePlatform('linux/arm/v5'), parsePlatform('linux/arm/v7'))).toBe(false);
  });
});
