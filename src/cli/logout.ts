import { CtrError } from '../base/ctr-error.ts';
import { logout, registryKey } from '../engine/login.ts';
import type { CommandSpec } from './command.ts';

interface LogoutFlags {
  readonly all?: boolean;
  readonly authfile?: string;
}

export const command: CommandSpec<LogoutFlags> = {
  usage: '[options] [REGISTRY]',
  examples: ['logout quay.io', 'logout --all'],
  operands: [0, 1],
  declare(command) {
    command
      .option('-a, --all', 'forget the credentials of all registries')
      .option('--authfile <path>', 'where credentials are kept');
  },
  async run({ host, stdout }, [given], { all, authfile }) {
    if (all && given !== undefined) throw new CtrError('USAGE', '--all takes no registry');
    const registry = all ? 'all' : registryKey(given);
    await logout(host, registry, authfile);
    stdout.write(`Removed login credentials for ${all ? 'all registries' : registry}\n`);
    return 0;
  },
};
