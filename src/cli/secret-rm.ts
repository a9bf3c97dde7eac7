import { CtrError } from '../base/ctr-error.ts';
import { listSecrets, removeSecret, resolveSecret } from '../storage/secret-store.ts';
import type { CommandSpec } from './command.ts';
import { reportAll } from './container-operands.ts';

interface SecretRmFlags {
  readonly all?: boolean;
  readonly ignore?: boolean;
}

export const command: CommandSpec<SecretRmFlags> = {
  usage: '[options] SECRET [SECRET...]',
  description: 'Containers that run keep what they got; they cannot be started again without it.',
  examples: ['secret rm token', 'secret rm --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command.option('-a, --all', 'remove all secrets').option('-i, --ignore', 'one that is not there is no error');
  },
  run(context, names, { all, ignore }) {
    const { host } = context;
    if (!all && names.length === 0) throw new CtrError('USAGE', 'the name of a secret must be specified');
    const errors: unknown[] = [];
    for (const name of all ? listSecrets(host).map((secret) => secret.name) : names) {
      try {
        const secret = resolveSecret(host, name);
        removeSecret(host, secret);
        context.stdout.write(`${secret.id}\n`);
      } catch (error) {
        if (!(ignore && error instanceof CtrError && error.code === 'NOT_FOUND')) errors.push(error);
      }
    }
    return reportAll(context, errors);
  },
};
