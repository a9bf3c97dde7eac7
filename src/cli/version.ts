import { version } from '../base/version.ts';
import { formatPlatform, hostPlatform } from '../oci/platform.ts';
import type { CommandSpec } from './command.ts';
import { formatOne } from './output/format.ts';

interface VersionFlags {
  readonly format?: string;
}

export const command: CommandSpec<VersionFlags> = {
  usage: '[options]',
  examples: ['version', "version --format '{{.Client.Version}}'", 'version --format json'],
  operands: [0, 0],
  declare(command) {
    command.option('-f, --format <template>', 'json, or a Go template');
  },
  run(context, _operands, { format }) {
    const client = {
      Name: 'ctr',
      Version: version,
      APIVersion: version,
      NodeVersion: process.versions.node,
      OsArch: formatPlatform({ os: 'linux', architecture: hostPlatform().architecture }),
      Os: 'linux',
      Arch: hostPlatform().architecture,
    };
    // There is no server; scripts that ask Docker for its version get the one that does the work.
    const text = formatOne('version', { Client: client, Server: client }, format, () =>
      [
        `Client:       ${client.Name}`,
        `Version:      ${client.Version}`,
        `Node Version: ${client.NodeVersion}`,
        `OS/Arch:      ${client.OsArch}`,
        '',
      ].join('\n'),
    );
    context.stdout.write(text);
    return 0;
  },
};
