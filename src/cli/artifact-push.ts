import { pushArtifact } from '../engine/artifact.ts';
import { type CommandSpec, collect } from './command.ts';
import { annotationFrom } from './flags/manifest-notes.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';

interface ArtifactPushFlags extends RegistryFlags {
  readonly annotation: readonly string[];
  readonly fileType: string;
  readonly subject?: string;
  readonly type: string;
}

export const command: CommandSpec<ArtifactPushFlags> = {
  usage: '[options] NAME FILE [FILE...]',
  description: 'Prints the digest of the artifact’s manifest.',
  examples: [
    'artifact push --type application/spdx+json --subject localhost:5000/app:1 localhost:5000/app:sbom sbom.json',
  ],
  operands: [2, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('--annotation <key=value>', 'an annotation of the artifact', collect, [])
      .option('--file-type <type>', 'the files’ media type', 'application/octet-stream')
      .option('--subject <image>', 'the image in the same repository that the artifact belongs to')
      .option('--type <type>', 'the artifact’s type', 'application/vnd.unknown.artifact.v1');
    declareRegistryFlags(command);
  },
  async run({ host, stdout }, [name = '', ...files], flags) {
    const { fileType, subject, type: artifactType, annotation } = flags;
    const annotations = Object.fromEntries(annotation.map(annotationFrom));
    const request = { ...accessFrom(flags), name, files, artifactType, fileType, annotations, subject };
    const { digest } = await pushArtifact(host, request, { signal: untilInterrupted() });
    stdout.write(`${digest}\n`);
    return 0;
  },
};
