/** A row in the table of commands, and the headings under which help shows them. */
import type { CommandSpec } from './command.ts';

export type CommandGroup = 'container' | 'image' | 'build' | 'volume' | 'network' | 'system' | 'internal';

export interface CommandEntry {
  /** As typed: `images`, or with its group when it exists only there: `image exists`. */
  readonly name: string;
  readonly also: readonly string[];
  /** `internal` is not shown. */
  readonly group: CommandGroup;
  readonly summary: string;
  load(): Promise<{ readonly command: CommandSpec }>;
}

export const groups: Readonly<Record<Exclude<CommandGroup, 'internal'>, string>> = {
  container: 'Containers',
  image: 'Images',
  build: 'Building',
  volume: 'Volumes',
  network: 'Networks',
  system: 'System',
};
