import { describe, expect, it } from 'vitest';
import { CtrError } from '../../../../src/base/ctr-error.ts';
import { readInvocation } from '../../../../src/cli/command.ts';
import { explainUnknownFlag, refusalReasons } from '../../../../src/cli/flags/refusal-reasons.ts';
import { commands } from '../../../../src/cli/program.ts';

const rows = Object.entries(refusalReasons).flatMap(([command, flags]) =>
  Object.keys(flags).map((flag) => [command, flag] as const),
);

describe('explainUnknownFlag [U]', () => {
  it.each(rows)('%s --%s is no flag of the command, and the reason is told', async (name, flag) => {
    const spec = (await commands.find((entry) => entry.name === name)?.load())?.command;
    if (!spec) throw new Error(`no command ${name}`);
    const [word, complaint] =
      flag.length > 1 ? [`--${flag}`, `unknown flag: --${flag}`] : [`-${flag}`, `unknown shorthand flag: '${flag}'`];
    expect(() => readInvocation(spec, [`${word}=x`])).toThrow(complaint);
    const explained = explainUnknownFlag(name, new CtrError('USAGE', complaint));
    expect(explained.message).toBe(`${word} is not supported: ${refusalReasons[name]?.[flag]}`);
  });

  it('leaves other mistakes alone', () => {
    const error = new CtrError('USAGE', 'unknown flag: --constructor');
    expect(explainUnknownFlag('push', error)).toBe(error);
    expect(explainUnknownFlag('constructor', error)).toBe(error);
  });
});
