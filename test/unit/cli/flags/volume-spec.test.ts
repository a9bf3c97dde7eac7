import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTmpfsSpec, parseVolumeSpec } from '../../../../src/cli/flags/volume-spec.ts';

const parse = (spec: string) => parseVolumeSpec(spec, '/here/now');
const name = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,20}$/);
const segment = fc.stringMatching(/^[a-zA-Z0-9_@ -][a-zA-Z0-9_@. -]{0,8}$/);
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);

describe('parseVolumeSpec [U] podman-run(1) "--volume"', () => {
  it('takes a source that begins with a slash as a host path', () => {
    expect(parse('/a:/b')).toEqual({ type: 'bind', source: '/a', target: '/b', readOnly: false, options: [] });
  });

  it.each([
    ['./x', '/here/now/x'],
    ['.', '/here/now'],
    ['../x', '/here/x'],
  ])('resolves the relative path %s against the caller directory', (source, absolute) => {
    expect(parse(`${source}:/b`)).toMatchObject({ type: 'bind', source: absolute });
  });

  it('takes a bare word as the name of a volume', () => {
    expect(parse('data:/b')).toEqual({ type: 'volume', source: 'data', target: '/b', readOnly: false, options: [] });
  });

  it('takes one path alone as an anonymous volume', () => {
    expect(parse('/data')).toEqual({ type: 'volume', target: '/data', readOnly: false, options: [] });
  });

  it('keeps a colon that a backslash protects', () => {
    expect(parse('/a\\:b:/c')).toMatchObject({ source: '/a:b', target: '/c' });
  });

  it('normalises the target', () => {
    expect(parse('/a:/b//c/../d/')).toMatchObject({ target: '/b/d' });
  });

  it.each([
    ['data:b', 'must be absolute'],
    ['data', 'must be absolute'],
    ['', 'must be absolute'],
    ['/a:/', 'over / of the container'],
    ['/a:/b/..', 'over / of the container'],
    ['a b:/c', 'neither a path'],
    [':/c', 'neither a path'],
    ['/a:/b:ro:rw', 'want [SOURCE:]TARGET'],
    ['/a:/b:rx', 'unknown option "rx"'],
    ['/a:/b:ro,rw', 'ro and rw exclude each other'],
    ['/a:/b:z,Z', 'z and Z exclude each other'],
    ['/a:/b:shared,rslave', 'shared and rslave exclude each other'],
    ['/a:/b:O,ro', 'O and ro exclude each other'],
    ['/a:/b:upperdir=/u', 'unknown option'],
    ['/a:/b:copy', 'unknown option "copy" for a bind mount'],
    ['/a:/b:idmap', 'idmap needs root'],
    ['data:/b:rshared', 'for host directories, not for volumes'],
  ])('refuses %j, saying %s', (spec, why) => {
    expect(() => parse(spec)).toThrow(why);
  });

  it('gives back every path, name and option that it was made of', () => {
    const options = fc.subarray(['ro', 'z', 'U', 'nosuid', 'nodev', 'noexec', 'noatime']);
    fc.assert(
      fc.property(fc.oneof(name, path), path, options, (source, target, words) => {
        const mount = parse([source, target, ...(words.length > 0 ? [words.join(',')] : [])].join(':'));
        expect(mount).toEqual({
          type: source.startsWith('/') ? 'bind' : 'volume',
          source,
          target,
          readOnly: words.includes('ro'),
          options: words.filter((word) => word !== 'ro'),
        });
      }),
    );
  });

  it('answers any text with an absolute target or a usage error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('/', '.', ':', ',', 'a', '\\', '\0') }), (text) => {
        try {
          const { target } = parse(text);
          expect(target).toMatch(/^\/[^\0]+$/);
          expect(`${target}/`).not.toMatch(/\/\.{0,2}\//);
        } catch (error) {
          expect(error).toMatchObject({ code: 'USAGE' });
        }
      }),
    );
  });
});

describe('parseTmpfsSpec [U] podman-run(1) "--tmpfs"', () => {
  it('takes mount(8) options of tmpfs', () => {
    expect(parseTmpfsSpec('/tmp:rw,size=787448k,mode=1777,exec')).toEqual({
      type: 'tmpfs',
      target: '/tmp',
      readOnly: false,
      options: ['size=787448k', 'mode=1777', 'exec'],
    });
  });

  it.each(['/tmp:size=much', '/tmp:mode=9', '/tmp:z', 'tmp', '/tmp:exec,noexec'])('refuses %s', (spec) => {
    expect(() => parseTmpfsSpec(spec)).toThrow('for --tmpfs');
  });
});
