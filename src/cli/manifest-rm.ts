import { removeManifestList, resolveManifestList } from '../storage/manifest-list-store.ts';
import type { CommandSpec } from './command.ts';

export const command: CommandSpec = {
  usage: 'LIST [LIST...]',
  description: 'The images in it stay. Prints the names.',
  examples: ['manifest rm app:1'],
  operands: [1, Number.POSITIVE_INFINITY],
  run({ host, stdout }, names) {
    const lists = names.map((name) => resolveManifestList(host, name));
    for (const list of lists) {
      removeManifestList(host, list);
      stdout.write(`${list.name}\n`);
    }
    return 0;
  },
};
