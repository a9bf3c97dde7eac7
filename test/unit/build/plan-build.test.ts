import { describe, expect, it } from 'vitest';
import { exposedPorts } from '../../../src/build/expose.ts';
import { formatWarnings, summaryOfWarnings } from '../../../src/build/format-warnings.ts';
import type { BuildPlan, PlanOptions } from '../../../src/build/graph.ts';
import { parseIgnoreFile } from '../../../src/build/ignore-file.ts';
import { lintDockerfile } from '../../../src/build/lint.ts';
import { parseDockerfile, parseTriggers } from '../../../src/build/parse-dockerfile.ts';
import { planBuild, planMore, resolveFrom, stagesNamedLike } from '../../../src/build/plan-build.ts';
import { expandStep, openScope, runEnvironment } from '../../../src/build/scope.ts';

const parse = (text: string) => parseDockerfile(text, { fileName: 'Dockerfile' });
const plan = (text: string, options: Partial<PlanOptions> = {}) =>
  planBuild(parse(text), { platform: 'linux/amd64', buildPlatform: 'linux/amd64', ...options });
const warningsOf = ({ dockerfile, globals }: BuildPlan) => lintDockerfile(dockerfile, { globals });
const order = (text: string, options: Partial<PlanOptions> = {}) =>
  plan(text, options).stages.map(({ label }) => label);

const three = 'FROM scratch AS a\nFROM scratch AS b\nCOPY --from=a / /\nFROM scratch AS c\nFROM b\n';

describe('planBuild [U]', () => {
  it('takes the last stage without a target, and only what it needs', () => {
    expect(order(three)).toEqual(['a', 'b', '3']);
  });

  it.each([
    ['c', ['c']],
    ['B', ['a', 'b']],
    ['0', ['a']],
  ])('takes the target %s by name in any case, or by number', (target, expected) => {
    expect(order(three, { target })).toEqual(expected);
  });

  it('names stages like the target that there is not', () => {
    const text = 'FROM scratch AS builder\n';
    expect(() => plan(text, { target: 'buidler' })).toThrow(
      expect.objectContaining({ hint: 'did you mean the stage builder?' }),
    );
    expect(() => plan(text, { target: 'x' })).toThrow(expect.objectContaining({ hint: 'its stages are builder' }));
    expect(() => plan('FROM scratch', { target: '3' })).toThrow(/has no stage "3"/);
  });

  it('lets a named context take the place of a stage and of an image', () => {
    const text = 'FROM alpine AS base\nFROM base\nCOPY --from=alpine / /\nCOPY --from=base / /x\n';
    const of = plan(text, { contexts: ['alpine', 'base'] });
    expect(of.stages.map(({ base }) => base)).toEqual([{ kind: 'named-context', name: 'base' }]);
    expect(resolveFrom(of, 1, 'alpine')).toEqual({ kind: 'named-context', name: 'alpine' });
  });

  it('resolves --from to stages above, images and scratch', () => {
    const of = plan(three);
    expect(resolveFrom(of, 3, 'B')).toEqual({ kind: 'stage', index: 1 });
    expect(resolveFrom(of, 3, '2')).toEqual({ kind: 'stage', index: 2 });
    expect(resolveFrom(of, 3, 'scratch')).toEqual({ kind: 'scratch' });
    expect(resolveFrom(of, 3, 'x.test/y:1')).toEqual({ kind: 'image', reference: 'x.test/y:1' });
    expect(() => resolveFrom(of, 1, 'c')).toThrow(/is defined later, at line 4/);
  });

  it('plans a stage that only a trigger of the base image asks for', () => {
    const of = plan('FROM scratch AS tools\nFROM tools AS more\nFROM base.test/x\n');
    expect(of.stages.map(({ label }) => label)).toEqual(['2']);
    expect(planMore(of, 1).map(({ label }) => label)).toEqual(['tools', 'more']);
  });

  it('finds stages with names like an image that could not be found', () => {
    expect(stagesNamedLike(plan('FROM scratch AS build\nFROM biuld'), 'biuld')).toEqual(['build']);
  });

  it('gives --build-arg to the global scope, platforms too', () => {
    const text = 'ARG TAG=1\nFROM --platform=$BUILDPLATFORM x:$TAG\n';
    const of = plan(text, { buildArgs: { TAG: '2', BUILDPLATFORM: 'linux/arm64' } });
    expect(of.target.base).toEqual({ kind: 'image', reference: 'x:2' });
    expect(of.target.platform).toBe('linux/arm64');
  });
});

describe('expandStep, runEnvironment [U] reference "ARG"', () => {
  const run = (text: string, options: Partial<PlanOptions> = {}, baseEnv: string[] = []) => {
    const { stages, globals, dockerfile } = plan(`FROM base.test/x\n${text}`, options);
    let scope = openScope(globals, baseEnv, dockerfile.directives.escape);
    for (const instruction of stages[0]?.instructions ?? []) scope = expandStep(scope, instruction).scope;
    return runEnvironment(scope);
  };

  it('lets ENV win over ARG of the same name, whichever comes last', () => {
    expect(run('ARG A=arg\nENV A=env\n')).toEqual({ A: 'env' });
    expect(run('ENV A=env\nARG A=arg\n')).toEqual({ A: 'env' });
    expect(run('ARG A\n', { buildArgs: { A: 'given' } }, ['A=base'])).toEqual({ A: 'base' });
  });

  it('hides a build argument until it is declared', () => {
    expect(run('', { buildArgs: { A: '1' } })).toEqual({});
    expect(run('ARG A\n', { buildArgs: { A: '1' } })).toEqual({ A: '1' });
  });

  it('shows proxies to RUN without a declaration', () => {
    expect(run('', { buildArgs: { HTTP_PROXY: 'p', no_proxy: 'n', Http_Proxy: 'no' } })).toEqual({
      HTTP_PROXY: 'p',
      no_proxy: 'n',
    });
  });

  it('does not expand a default that --build-arg replaces', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own syntax
    expect(run('ARG A=${NOPE:?no}\n', { buildArgs: { A: '1' } })).toEqual({ A: '1' });
  });

  it('sees the ENV of the base image', () => {
    expect(run('ENV PATH=$PATH:/x\n', {}, ['PATH=/bin', 'A=b=c'])).toEqual({ PATH: '/bin:/x', A: 'b=c' });
  });

  it('keeps names like __proto__ as plain names', () => {
    expect(Object.entries(run('ENV __proto__=x constructor=$toString\n'))).toEqual([
      ['__proto__', 'x'],
      ['constructor', ''],
    ]);
  });
});

describe('parseTriggers [U] reference "ONBUILD"', () => {
  it('reads what ONBUILD has written', () => {
    const [onbuild] = parse('FROM scratch\nONBUILD RUN <<EOF\nx\nEOF\n').stages[0]?.instructions ?? [];
    const trigger = onbuild?.kind === 'onbuild' ? onbuild.trigger : '';
    expect(parseTriggers([trigger, 'COPY a b'], 'x.test/base')).toMatchObject([
      { kind: 'run', command: { form: 'shell', line: 'x\n' } },
      { kind: 'copy', destination: 'b' },
    ]);
  });

  it.each(['FROM x', 'ONBUILD RUN x', 'MAINTAINER x', '', 'RUN a\nRUN b', 'NOPE x'])('refuses %j', (trigger) => {
    expect(() => parseTriggers([trigger], 'x.test/base')).toThrow(/ONBUILD of x\.test\/base/);
  });
});

describe('lintDockerfile [U] build checks', () => {
  const rulesOf = (text: string, options: Partial<Parameters<typeof lintDockerfile>[1]> = {}) => {
    const { dockerfile, globals } = plan(text);
    return lintDockerfile(dockerfile, { globals, ...options }).map(({ rule }) => rule);
  };

  it('knows undefined variables when it knows the ENV of the base', () => {
    const text = 'FROM x.test/y\nENV A=$HOME B=$OTHER\n';
    expect(rulesOf(text)).toEqual([]);
    expect(rulesOf(text, { baseEnv: () => ['HOME=/'] })).toEqual(['UndefinedVar']);
  });

  it('names sources that the ignore file leaves out, when asked to', () => {
    const ignore = parseIgnoreFile('secret*\n!secret.pub', '.dockerignore');
    const text =
      'FROM scratch AS a\nCOPY secret.key secret.pub ./secret/x /\nADD /secret1 /\nFROM a\nCOPY --from=a secret1 /\n';
    expect(rulesOf(text, { ignore })).toEqual([]);
    expect(rulesOf(`# check=experimental=CopyIgnoredFile\n${text}`, { ignore })).toEqual([
      'CopyIgnoredFile',
      'CopyIgnoredFile',
      'CopyIgnoredFile',
    ]);
  });

  it('obeys BUILDKIT_DOCKERFILE_CHECK in place of the directive', () => {
    const of = (check: string) =>
      warningsOf(plan('# check=skip=all\nFROM scratch\nCMD x\n', { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: check } }));
    expect(of('skip=JSONArgsRecommended')).toEqual([]);
    expect(of('error=true').map(({ rule }) => rule)).toEqual(['JSONArgsRecommended']);
  });
});

describe('formatWarnings, summaryOfWarnings [U]', () => {
  it('show the line that each is about', () => {
    const of = plan('FROM scratch\nMAINTAINER me\n');
    const [{ dockerfile }, warnings] = [of, warningsOf(of)];
    expect(formatWarnings(dockerfile, warnings)).toBe(
      'Dockerfile:2: MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label\n' +
        '  1 | FROM scratch\n  2 | MAINTAINER me\n    | ^^^^^^^^^^^^^\n',
    );
    expect(summaryOfWarnings(warnings)).toBe('Check complete, 1 warning has been found!\n');
    expect(summaryOfWarnings([])).toBe('Check complete, no warnings found.\n');
  });
});

describe('exposedPorts [U]', () => {
  it('writes ranges out, once each', () => {
    expect(exposedPorts(['80', '80/tcp', '53/UDP', '7000-7002/sctp', '127.0.0.1:1:90'])).toEqual([
      '80/tcp',
      '53/udp',
      '7000/sctp',
      '7001/sctp',
      '7002/sctp',
      '90/tcp',
    ]);
  });

  it.each(['', 'a', '80/xyz', '2-1', '65536', '80-', '-1'])('refuses %j', (text) => {
    expect(() => exposedPorts([text])).toThrow(/invalid port/);
  });
});
