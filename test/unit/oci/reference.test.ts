import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalName,
  familiarName,
  isShortName,
  parseReference,
  withDefaultTag,
} from '../../../src/oci/reference.ts';

const hex = 'a'.repeat(64);

describe('parseReference [U] distribution "reference" grammar', () => {
  it.each([
    ['alpine', 'docker.io/library/alpine'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20'],
    ['index.docker.io/alpine', 'docker.io/library/alpine'],
    ['docker.io/alpine', 'docker.io/library/alpine'],
    ['user/app', 'docker.io/user/app'],
    ['localhost/app', 'localhost/app'],
    ['localhost:5000/app:1', 'localhost:5000/app:1'],
    ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c'],
    ['[::1]:5000/app', '[::1]:5000/app'],
    ['Registry/app', 'Registry/app'],
    [`example.com/a@sha256:${hex}`, `example.com/a@sha256:${hex}`],
    [`example.com/a:tag@sha256:${hex}`, `example.com/a:tag@sha256:${hex}`],
    ['a/b_c/d__e/f-g/h---i/j.k', 'docker.io/a/b_c/d__e/f-g/h---i/j.k'],
  ])('reads %s as %s', (text, full) => {
    expect(canonicalName(parseReference(text))).toBe(full);
  });

  it.each([
    ['', 'invalid reference format'],
    [':tag', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['a/', 'invalid reference format'],
    ['/a', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['../../etc', 'invalid reference format'],
    ['example.com/../x', 'invalid reference format'],
    ['a:b/c', 'invalid reference format'],
    ['alpine:', 'invalid reference format'],
    [`alpine:${'t'.repeat(129)}`, 'invalid reference format'],
    ['alpine@sha256:abc', 'invalid reference format'],
    [`alpine@md5:${'a'.repeat(32)}`, 'invalid reference format'],
    ['Alpine', 'invalid reference format: repository name (library/Alpine) must be lowercase'],
    ['example.com/App', 'invalid reference format: repository name (App) must be lowercase'],
    [`a/${'b'.repeat(300)}`, 'invalid reference format: repository name must not be more than 255 characters'],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
  ])('refuses %j', (text, message) => {
    expect(() => parseReference(text)).toThrow(message);
  });

  it('gives a name without registry the domain asked for', () => {
    expect(canonicalName(parseReference('app:1', 'localhost'))).toBe('localhost/app:1');
  });

  it('reads back every name that it writes, full or familiar', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8}){0,2}$/);
    const domain = fc.constantFrom('docker.io', 'localhost', 'quay.example', 'localhost:5000', '10.0.0.1:80');
    const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined });
    fc.assert(
      fc.property(domain, fc.array(part, { minLength: 1, maxLength: 4 }), tag, (host, path, tagText) => {
        const reference = parseReference(`${host}/${path.join('/')}${tagText === undefined ? '' : `:${tagText}`}`);
        expect(parseReference(canonicalName(reference))).toEqual(reference);
        expect(parseReference(familiarName(reference))).toEqual(reference);
      }),
    );
  });

  it('answers any text with a reference or an INVALID error, and quickly', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        try {
          const { path } = parseReference(text);
          expect(path).not.toMatch(/\.\.|^\/|\/$|[^a-z0-9/._-]/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID' });
        }
      }),
    );
    expect(() => parseReference(`${'a-'.repeat(120)}!`)).toThrow('invalid reference format');
  });
});

describe('names [U]', () => {
  it('knows a short name from a full one', () => {
    expect(['alpine', 'user/app', 'alpine:1'].map(isShortName)).toEqual([true, true, true]);
    expect(['localhost/a', 'quay.example/a', 'h:1/a'].map(isShortName)).toEqual([false, false, false]);
  });

  it('adds latest only where neither tag nor digest is given', () => {
    expect(canonicalName(withDefaultTag(parseReference('alpine')))).toBe('docker.io/library/alpine:latest');
    expect(withDefaultTag(parseReference(`a@sha256:${hex}`)).tag).toBeUndefined();
  });
});
