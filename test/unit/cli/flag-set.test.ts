import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArgv } from '../../../src/cli/argv.ts';
import { type CommandSpec, readInvocation } from '../../../src/cli/command.ts';
import { mentionedNames, parseFlag } from '../../../src/cli/flag-set.ts';
import { describeFlags } from '../../../src/cli/help-declaration.ts';
import { commands } from '../../../src/cli/program.ts';

async function specOf(name: string): Promise<CommandSpec> {
  const entry = commands.find((each) => each.name === name);
  return (await entry!.load()).command;
}

/** What commander makes of the words, all flags declared: the model for ours. */
function byCommander(spec: CommandSpec, argv: readonly string[]): unknown {
  const command = describeFlags('run', spec).exitOverride().allowExcessArguments(true);
  command.configureOutput({ writeErr: () => {}, writeOut: () => {} });
  const options = command.options.map((option) => ({ ...parseFlag(option.flags), option }));
  try {
    const { settings, operands } = parseArgv(argv, options, true);
    const words = settings.flatMap(({ flag, value }) => {
      if (flag.takes === 'nothing') return [];
      return [value === undefined ? `${flag.option.long}` : `${flag.option.long}=${value}`];
    });
    command.parse([...words, '--'], { from: 'user' });
    for (const { flag, value } of settings) {
      if (flag.takes !== 'nothing') continue;
      command.setOptionValueWithSource(flag.option.attributeName(), (value === true) !== flag.option.negate, 'cli');
    }
    return operands.length === 0 ? 'error' : [operands, command.opts()];
  } catch {
    return 'error';
  }
}

function byUs(spec: CommandSpec, argv: readonly string[]): unknown {
  try {
    const invocation = readInvocation(spec, argv);
    return [invocation.operands, invocation.flags()];
  } catch {
    return 'error';
  }
}

describe('MentionedFlags [U]', () => {
  it('finds long names and every letter of short words', () => {
    expect([...mentionedNames(['--env=A=b', '-it', 'image', '--', '-x'])]).toEqual(['env', 'i', 't', '', 'x']);
  });

  it('names a flag’s value as commander does', async () => {
    for (const option of describeFlags('run', await specOf('run')).options) {
      expect(parseFlag(option.flags).key).toBe(option.attributeName());
    }
  });

  it('means what commander means with all flags declared, whatever the arguments', async () => {
    const spec = await specOf('run');
    const { options } = describeFlags('run', spec);
    const names = options.flatMap(({ short, long }) => [short, long]).filter((name) => name != null);
    // Flags of every command (--help) are not among a command's own.
    const flag = fc.constantFrom(...names);
    const word = fc.oneof(flag, fc.constantFrom('1', 'a=b', '/x:/y', 'image', '-it', '--rm=false', '--no-such', '-e'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        expect(byUs(spec, argv)).toEqual(byCommander(spec, argv));
      }),
      { numRuns: 150 },
    );
  });
});
