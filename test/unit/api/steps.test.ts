import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flagsFrom } from '../../../src/api/arguments.ts';
import { dockerfileOf, steps } from '../../../src/api/steps.ts';
import { expandInstruction } from '../../../src/build/expand-instruction.ts';
import { parseDockerfile } from '../../../src/build/parse-dockerfile.ts';

describe('steps as values [U]', () => {
  it('are one instruction each', () => {
    const list = [
      steps.from('debian:bookworm', 'base'),
      steps.run('echo "a" && b', { mounts: ['type=cache,target=/c'], network: 'none' }),
      steps.copy(['a b', 'c'], '/to/', { from: 'base', chown: '1:2' }),
      steps.label({ a: 'x y' }),
      steps.user('5:5'),
      steps.expose('53/udp'),
      steps.entrypoint(['/x']),
    ];
    expect(dockerfileOf(list)).toBe(`FROM debian:bookworm AS base
RUN --mount=type=cache,target=/c --network=none ["/bin/sh","-c","echo \\"a\\" && b"]
COPY --from=base --chown=1:2 ["a b","c","/to/"]
LABEL a="x y"
USER 5:5
EXPOSE 53/udp
ENTRYPOINT ["/x"]
`);
  });

  it.each([
    ['FROM', () => steps.from('a b')],
    ['USER', () => steps.user('')],
    ['a flag', () => steps.copy('a', 'b', { chown: '0 --link' })],
    ['a comment', () => steps.from('#x')],
    ['a newline', () => steps.env({ A: 'x\nRUN evil' })],
  ])('are refused where a value would be syntax: %s', (_what, make) => {
    expect(make).toThrow(/one word|newline/);
  });
});

describe('what steps quote [U]', () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((value) => !/[\r\n\0\u2028\u2029]/.test(value) && value.trim() === value);
  const variables = { lookup: () => 'expanded', escape: '\\' } as const;
  const only = (step: { readonly instruction: string }) => {
    const [stage] = parseDockerfile(`FROM x\n${step.instruction}\n`, { fileName: 'Dockerfile' }).stages;
    const [instruction] = stage?.instructions ?? [];
    return instruction && expandInstruction(instruction, variables);
  };

  it('is read as it was given', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(only(steps.env({ A: value }))).toMatchObject({ pairs: [{ key: 'A', value }] });
        expect(only(steps.label({ A: value }))).toMatchObject({ pairs: [{ key: 'A', value }] });
        expect(only(steps.workdir(`/${value}`))).toMatchObject({ path: `/${value}` });
        expect(only(steps.copy('a', `/${value}`))).toMatchObject({ destination: `/${value}` });
        expect(only(steps.volume(`/${value}`))).toMatchObject({ paths: [`/${value}`] });
        expect(only(steps.cmd([value]))).toMatchObject({ command: { words: [value] } });
      }),
    );
  });
});

describe('flagsFrom [U]', () => {
  it.each([
    [{ readOnly: true }, ['--read-only']],
    [{ sigProxy: false }, ['--sig-proxy=false']],
    [{ name: '-x', cpus: 0.5 }, ['--name=-x', '--cpus=0.5']],
    [{ env: { A: '1', B: 'x=y' } }, ['--env=A=1', '--env=B=x=y']],
    [{ volume: ['a:/b', 'c:/d'] }, ['--volume=a:/b', '--volume=c:/d']],
    [{ user: undefined, label: {}, mount: [] }, []],
  ])('%j', (options, flags) => {
    expect(flagsFrom(options)).toEqual(flags);
  });
});
