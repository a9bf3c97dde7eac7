import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMountSpec, splitCsv } from '../../../../src/cli/flags/mount-spec.ts';

const parse = (spec: string) => {
  const [mount] = parseMountSpec(spec, '/here');
  if (!mount) throw new Error('no mount');
  return mount;
};

describe('parseMountSpec [U] podman-run(1) "--mount"', () => {
  it.each(['dst', 'dest', 'destination', 'target'])('takes %s as the place in the container', (key) => {
    expect(parse(`type=bind,src=/a,${key}=/b`).target).toBe('/b');
  });

  it.each([
    ['ro', true],
    ['readonly=true', true],
    ['ro=false', false],
    ['rw', false],
    ['rw=false', true],
  ])('reads %s as readOnly %s', (word, readOnly) => {
    expect(parse(`type=bind,src=/a,dst=/b,${word}`).readOnly).toBe(readOnly);
  });

  it('mounts a volume when no type is given, an anonymous one without source', () => {
    expect(parse('target=/b')).toEqual({ type: 'volume', target: '/b', readOnly: false, options: [] });
  });

  it('resolves the source of a bind against the caller directory', () => {
    expect(parse('type=bind,src=sub,dst=/b').source).toBe('/here/sub');
  });

  it('mounts images read-only unless asked otherwise', () => {
    expect(parse('type=image,source=alpine,dst=/b')).toMatchObject({ source: 'alpine', readOnly: true });
    expect(parse('type=image,source=alpine,dst=/b,rw=true').readOnly).toBe(false);
  });

  it.each([
    ['type=bind,src=/a,dst=/b,bind-propagation=rshared', ['rshared']],
    ['type=bind,src=/a,dst=/b,bind-nonrecursive', ['bind']],
    ['type=bind,src=/a,dst=/b,relabel=shared,U=true', ['z', 'U']],
    ['type=volume,src=v,dst=/b,volume-nocopy', ['nocopy']],
    ['type=tmpfs,dst=/b,tmpfs-size=512M,tmpfs-mode=0700', ['size=512M', 'mode=0700']],
    ['type=ramfs,dst=/b', []],
    ['type=devpts,dst=/dev/pts,uid=1,mode=620,max=9', ['uid=1', 'mode=620', 'max=9']],
    ['type=tmpfs,dst=/b,chown=false', []],
  ])('turns %s into the options %j', (spec, options) => {
    expect(parse(spec).options).toEqual(options);
  });

  it('keeps a subpath of a volume', () => {
    expect(parse('type=volume,src=v,dst=/b,volume-subpath=x//y/').subpath).toBe('x/y');
  });

  it.each([
    ['type=nfs,dst=/b', 'want type= one of'],
    ['type=bind,dst=/b', 'wants source='],
    ['type=bind,src=/a', 'want target=PATH'],
    ['type=tmpfs,src=/a,dst=/b', 'takes no source'],
    ['type=volume,src=/a,dst=/b', 'no name of a volume'],
    ['type=bind,src=/a,dst=b', 'must be absolute'],
    ['type=bind,src=/a,dst=/b,tmpfs-size=1', 'unknown option "tmpfs-size=1"'],
    ['type=bind,src=/a,dst=/b,ro=maybe', 'ro=true or ro=false'],
    ['type=image,source=a,dst=/b,U', 'unknown key "U"'],
    ['type=volume,src=v,dst=/b,subpath=../x', 'stay inside'],
    ['type=volume,src=v,dst=/b,subpath=/x', 'must be relative'],
    ['type=devpts,dst=/b,mode=8', 'unknown key "mode"'],
    ['type=bind,src=/a,dst="/b', 'a quote is not closed'],
  ])('refuses %s, saying %s', (spec, why) => {
    expect(() => parse(spec)).toThrow(why);
  });
});

describe('splitCsv [U]', () => {
  it('reads back any fields that were quoted (RFC 4180)', () => {
    const field = fc.string({ unit: fc.constantFrom('a', '=', ',', '"', ' ', '/') });
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        const text = fields.map((one) => `"${one.replaceAll('"', '""')}"`).join(',');
        expect(splitCsv(text)).toEqual(fields);
      }),
    );
  });

  it('splits unquoted fields at commas', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^,"]*$/), { minLength: 1 }), (fields) => {
        expect(splitCsv(fields.join(','))).toEqual(fields);
      }),
    );
  });
});
