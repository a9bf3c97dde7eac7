import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CtrError } from '../../../src/base/ctr-error.ts';
import { changeConfig } from '../../../src/oci/config-change.ts';

describe('changeConfig [U] podman-commit(1) "--change"', () => {
  it.each([
    ['CMD ["sh", "-c", "x"]', { Cmd: ['sh', '-c', 'x'] }],
    ['CMD echo hi', { Cmd: ['/bin/sh', '-c', 'echo hi'] }],
    ['cmd=["sh"]', { Cmd: ['sh'] }],
    ['ENTRYPOINT ["/e"]', { Entrypoint: ['/e'] }],
    ['ENV A=1 B="two words"', { Env: ['A=1', 'B=two words'] }],
    ['ENV A the rest', { Env: ['A=the rest'] }],
    ['EXPOSE 80 53/udp', { ExposedPorts: { '80/tcp': {}, '53/udp': {} } }],
    ["LABEL a=1 b='x y'", { Labels: { a: '1', b: 'x y' } }],
    ['ONBUILD RUN make', { OnBuild: ['RUN make'] }],
    ['STOPSIGNAL SIGINT', { StopSignal: 'SIGINT' }],
    ['USER 1000:1000', { User: '1000:1000' }],
    ['VOLUME /a /b', { Volumes: { '/a': {}, '/b': {} } }],
    ['VOLUME ["/a b"]', { Volumes: { '/a b': {} } }],
    ['WORKDIR /srv', { WorkingDir: '/srv' }],
  ])('applies %s', (instruction, expected) => {
    expect(changeConfig({}, instruction)).toEqual(expected);
  });

  it('replaces a variable and keeps the others', () => {
    expect(changeConfig({ Env: ['A=1', 'B=2'] }, 'ENV A=3').Env).toEqual(['B=2', 'A=3']);
  });

  it.each(['RUN x', 'CMD', '', 'EXPOSE http', 'constructor x', 'CMD [1]'])('refuses %j', (instruction) => {
    expect(() => changeConfig({}, instruction)).toThrow(CtrError);
  });

  it('throws nothing but CtrError, whatever it is given', () => {
    fc.assert(
      fc.property(fc.constantFrom('ENV', 'CMD', 'LABEL', 'VOLUME', 'EXPOSE'), fc.string(), (word, rest) => {
        try {
          changeConfig({}, `${word} ${rest}`);
        } catch (error) {
          expect(error).toBeInstanceOf(CtrError);
        }
      }),
    );
  });
});
