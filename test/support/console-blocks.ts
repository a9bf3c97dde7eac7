/** The sessions that a page of docs/ shows: ```console blocks, `$ ` before a command, its output below. */
export interface ShownCommand {
  readonly line: number;
  readonly command: string;
  /** Empty: nothing is said about the output. */
  readonly output: readonly string[];
}

export function shownCommands(page: string): ShownCommand[] {
  const commands: Array<{ line: number; command: string; output: string[] }> = [];
  let isInside = false;
  for (const [index, text] of page.split('\n').entries()) {
    if (text.startsWith('```')) isInside = text === '```console';
    else if (isInside && text.startsWith('$ ')) commands.push({ line: index + 1, command: text.slice(2), output: [] });
    else if (isInside) commands.at(-1)?.output.push(text);
  }
  return commands;
}

/** `…` stands for anything in a line; alone on a line for any lines. Runs of blanks are one: columns move. */
export function patternOf(output: readonly string[]): RegExp {
  const escaped = (text: string) =>
    text
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/ +/g, ' +')
      .replaceAll('…', '.*');
  const lines = output.map((line) => (line === '…' ? '(.*\\n)*' : `${escaped(line)} *\\n`));
  return new RegExp(`^${lines.join('')}$`);
}
