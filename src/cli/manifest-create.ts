import { addToManifestList, annotateList, createManifestList } from '../engine/manifest-list.ts';
import { type CommandSpec, collect } from './command.ts';
import { annotationFrom } from './flags/manifest-notes.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';

interface ManifestCreateFlags extends RegistryFlags {
  readonly all?: boolean;
  readonly annotation: readonly string[];
  readonly amend?: boolean;
}

export const command: CommandSpec<ManifestCreateFlags> = {
  usage: '[options] LIST [IMAGE...]',
  description: 'A name without a registry is a local one. Prints the name.',
  examples: ['manifest create app:1', 'manifest create app:1 app:1-amd64 docker://registry.example/app:1-arm64'],
  operands: [1, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('--annotation <key=value>', 'an annotation of the list itself', collect, [])
      .option('--all', 'of an image that is an index itself, add all images')
      .option('-a, --amend', 'a list that exists is taken as it is');
    declareRegistryFlags(command);
  },
  async run({ host, stdout }, [name = '', ...images], flags) {
    const { name: list } = createManifestList(host, name, flags.amend ?? false);
    if (flags.annotation.length > 0) annotateList(host, list, Object.fromEntries(flags.annotation.map(annotationFrom)));
    const signal = untilInterrupted();
    for (const image of images) {
      const request = { ...accessFrom(flags), list, image, all: flags.all ?? false, notes: {} };
      await addToManifestList(host, request, { signal });
    }
    stdout.write(`${list}\n`);
    return 0;
  },
};
