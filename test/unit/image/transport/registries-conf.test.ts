import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import {
  emptyRegistriesConf,
  endpointsFor,
  parseRegistriesConf,
  resolveName,
} from '../../../../src/image/transport/registries-conf.ts';
import { canonicalName, parseReference } from '../../../../src/oci/reference.ts';

const conf = (text: string) => parseRegistriesConf(text, 'registries.conf', parse);
const names = (name: string, text: string) => resolveName(name, conf(text)).map(canonicalName);
const places = (name: string, text: string) =>
  endpointsFor(parseReference(name), conf(text)).map(
    ({ registry, repository, insecure }) => `${registry}/${repository}${insecure ? ' insecure' : ''}`,
  );
const digest = `sha256:${'a'.repeat(64)}`;

describe('resolveName [U] containers-registries.conf(5)', () => {
  const search = 'unqualified-search-registries = ["one.example", "two.example:5000"]\n';

  it('takes docker.io where no search registry is set', () => {
    expect(names('alpine:3', '')).toEqual(['docker.io/library/alpine:3']);
  });

  it('tries the search registries in order', () => {
    expect(names('app:1', search)).toEqual(['one.example/app:1', 'two.example:5000/app:1']);
    expect(names(`app@${digest}`, search)[0]).toBe(`one.example/app@${digest}`);
  });

  it('follows an alias and keeps the tag', () => {
    const alias = `${search}[aliases]\n"app" = "three.example/team/app"\n`;
    expect(names('app:1', alias)).toEqual(['three.example/team/app:1']);
    expect(names('other', alias)).toEqual(['one.example/other', 'two.example:5000/other']);
  });

  it('leaves full names alone', () => {
    expect(names('quay.example/app', search)).toEqual(['quay.example/app']);
  });
});

describe('endpointsFor [U] containers-registries.conf(5)', () => {
  it('is the registry of the name where nothing is configured', () => {
    expect(endpointsFor(parseReference('quay.example/a/b'), emptyRegistriesConf)).toEqual([
      { registry: 'quay.example', repository: 'a/b', insecure: false, isMirror: false },
    ]);
  });

  it('asks mirrors first and rewrites the prefix by the location', () => {
    const text = `
      [[registry]]
      prefix = "example.com/foo"
      location = "internal.example:5000/bar"
      insecure = true
      [[registry.mirror]]
      location = "mirror.example/cache"
      [[registry]]
      location = "example.com"
      blocked = true`;
    expect(places('example.com/foo/app', text)).toEqual([
      'mirror.example/cache/app',
      'internal.example:5000/bar/app insecure',
    ]);
    expect(() => places('example.com/foobar/app', text)).toThrow('registry example.com is blocked');
  });

  it('takes wildcards for subdomains only', () => {
    const text = '[[registry]]\nprefix = "*.example.com"\ninsecure = true\n';
    expect(places('a.b.example.com/x', text)).toEqual(['a.b.example.com/x insecure']);
    expect(places('example.com/x', text)).toEqual(['example.com/x']);
  });

  it('asks digest-only mirrors for digests only', () => {
    const text = `
      [[registry]]
      location = "example.com"
      [[registry.mirror]]
      location = "d.example"
      pull-from-mirror = "digest-only"
      [[registry.mirror]]
      location = "t.example"
      pull-from-mirror = "tag-only"`;
    expect(places('example.com/x:1', text)).toEqual(['t.example/x', 'example.com/x']);
    expect(places(`example.com/x@${digest}`, text)).toEqual(['d.example/x', 'example.com/x']);
  });

  it.each([
    ['[registries.search]\nregistries = ["a"]', 'version 1'],
    ['[[registry]]\ninsecure = true', 'needs a prefix or a location'],
    ['[[registry]]\nlocation = 5', 'registry[0].location: expected a string'],
    ['x = = 1', 'registries.conf is not TOML'],
  ])('refuses %j', (text, message) => {
    expect(() => conf(text)).toThrow(message);
  });
});
