/** The shape of `stop`, `pause` and their like: one thing is done to each container that is named or chosen. */
import type { Host } from '../base/host.ts';
import type { ContainerEntry } from '../engine/container-list.ts';
import { type ContainerRecord, resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import {
  addCidFileFlag,
  addSelectionFlags,
  forEachContainer,
  type SelectionFlags,
  selectContainers,
} from './container-operands.ts';
import type { FlagSet } from './flag-set.ts';

export interface ContainerVerb<Flags extends SelectionFlags> {
  readonly description: string;
  readonly examples: readonly string[];
  /** Of which containers `--all` and `--filter` mean all: for --help, and as a test. */
  readonly all: string;
  readonly candidates: (entry: ContainerEntry, flags: Flags) => boolean;
  readonly declare?: (command: FlagSet) => void;
  /** Flags that mean `--all` as well. */
  readonly meansAll?: (flags: Flags) => boolean;
  /** What is done to one; flags are checked before the first. */
  readonly action: (flags: Flags) => (host: Host, container: ContainerRecord) => void | Promise<void>;
}

/** Prints each container as the user called it, once it is done. */
export function containerVerb<Flags extends SelectionFlags>(verb: ContainerVerb<Flags>): CommandSpec<Flags> {
  return {
    usage: '[options] [CONTAINER...]',
    description: verb.description,
    examples: verb.examples,
    operands: [0, Number.POSITIVE_INFINITY],
    declare(command) {
      addCidFileFlag(addSelectionFlags(command, verb.all));
      verb.declare?.(command);
    },
    run(context, operands, flags) {
      const { host, stdout } = context;
      const act = verb.action(flags);
      const choice = verb.meansAll?.(flags) ? { ...flags, all: true } : flags;
      const selection = selectContainers(context, operands, choice, (entry) => verb.candidates(entry, flags));
      return forEachContainer(context, selection, async ({ shown, id }) => {
        await act(host, resolveContainer(host, id));
        stdout.write(`${shown}\n`);
      });
    },
  };
}
