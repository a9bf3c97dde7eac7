import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CommandSpec, declarationOf, readInvocation } from '../../../src/cli/command.ts';
import { attributeOf, mentionedNames } from '../../../src/cli/partial-command.ts';
import { commands } from '../../../src/cli/program.ts';

async function specOf(name: string): Promise<CommandSpec> {
  const entry = commands.find((each) => each.name === name);
  return (await entry!.load()).command;
}

/** What the flags of `argv` mean, declared all or only as far as they are mentioned; or the error. */
function meaningOf(spec: CommandSpec, argv: readonly string[], partial: boolean): unknown {
  try {
    const invocation = readInvocation(declarationOf('run', spec, partial ? argv : undefined), spec, argv);
    return [invocation.operands, invocation.flags()];
  } catch (error) {
    return error instanceof Error ? 'error' : error;
  }
}

describe('PartialCommand [U]', () => {
  it('finds long names and every letter of short words', () => {
    expect([...mentionedNames(['--env=A=b', '-it', 'image', '--', '-x'])]).toEqual(['env', 'i', 't', '', 'x']);
  });

  it('names a flag’s value as commander does', async () => {
    for (const option of declarationOf('run', await specOf('run')).options) {
      expect(attributeOf(option.flags)).toBe(option.attributeName());
    }
  });

  it('means the same as the whole declaration, whatever the arguments', async () => {
    const spec = await specOf('run');
    const { options } = declarationOf('run', spec);
    const flag = fc.constantFrom(...options.flatMap(({ short, long }) => [short, long]).filter((name) => name != null));
    const word = fc.oneof(flag, fc.constantFrom('1', 'a=b', '/x:/y', 'image', '-it', '--rm=false', '--no-such', '-e'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        expect(meaningOf(spec, argv, true)).toEqual(meaningOf(spec, argv, false));
      }),
      { numRuns: 150 },
    );
  });
});
