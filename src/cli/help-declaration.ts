/** A command's flags as a commander command, all of them: what --help prints, and where a mistyped flag is looked for. */
import { Command, Option } from 'commander';
import type { CommandSpec } from './command.ts';
import type { FlagSet } from './flag-set.ts';

/** commander's own command, which also takes flags that --help does not show. */
class DescribedFlags extends Command implements FlagSet {
  hidden(flags: string): this {
    const option = new Option(flags).hideHelp();
    const isTaken = this.options.some(({ long }) => long === option.long);
    return isTaken ? this : this.addOption(option);
  }
}

export function describeFlags(name: string, spec: CommandSpec): Command {
  const command = new DescribedFlags(name);
  command.helpOption(false);
  spec.declare?.(command as FlagSet);
  return command;
}
