import { CtrError } from '../base/ctr-error.ts';
import { loggedInAs, login, registryKey } from '../engine/login.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { ask, askSecret, readStdin } from './prompt.ts';

interface LoginFlags {
  readonly authfile?: string;
  readonly certDir?: string;
  readonly getLogin?: boolean;
  readonly password?: string;
  readonly passwordStdin?: boolean;
  readonly secret?: string;
  readonly tlsVerify?: boolean;
  readonly username?: string;
  readonly verbose?: boolean;
}

export const command: CommandSpec<LoginFlags> = {
  usage: '[options] [REGISTRY]',
  description: 'The credentials are tried first and kept only if the registry accepts them.',
  examples: ['login quay.io', 'login -u me --password-stdin registry.example < token', 'login --get-login quay.io'],
  operands: [0, 1],
  declare(command) {
    command
      .option('--authfile <path>', 'where credentials are kept')
      .option('--cert-dir <path>', 'certificates and keys for the registry')
      .option('--get-login', 'show who is logged in')
      .option('-p, --password <password>', 'the password; others on this machine may see it')
      .option('--password-stdin', 'read the password from standard input')
      .option('--secret <name>', 'the password is this secret (`ctr secret`)')
      .option('--tls-verify', 'require HTTPS and check certificates (--tls-verify=false: do not)')
      .option('-u, --username <name>', 'the user’s name')
      .option('-v, --verbose', 'say where the credentials are kept');
  },
  async run(context, [given], flags) {
    const registry = registryKey(given);
    const { authfile: authFile, certDir, tlsVerify } = flags;
    if (flags.getLogin) {
      context.stdout.write(`${await loggedInAs(context.host, registry, authFile)}\n`);
      return 0;
    }
    const { username, password } = await credentialsFrom(context, flags);
    const kept = await login(context.host, { registry, username, password, authFile, certDir, tlsVerify });
    if (flags.verbose) context.stdout.write(`Used:  ${kept}\n`);
    context.stdout.write('Login Succeeded!\n');
    return 0;
  },
};

async function credentialsFrom(context: Context, flags: LoginFlags) {
  if (flags.passwordStdin && flags.password !== undefined) {
    throw new CtrError('USAGE', '--password and --password-stdin exclude each other');
  }
  if (flags.secret !== undefined && (flags.passwordStdin || flags.password !== undefined)) {
    throw new CtrError('USAGE', '--secret excludes --password and --password-stdin');
  }
  if ((flags.passwordStdin || flags.secret !== undefined) && flags.username === undefined) {
    throw new CtrError('USAGE', `${flags.passwordStdin ? '--password-stdin' : '--secret'} needs --username`);
  }
  const username = flags.username ?? (await ask(context, 'Username: '));
  if (username === '' || username.includes(':')) throw new CtrError('USAGE', 'a user name is needed, without a colon');
  if (flags.passwordStdin) return { username, password: readStdin() };
  if (flags.secret !== undefined) {
    const { resolveSecret } = await import('../storage/secret-store.ts');
    const text = Buffer.from(resolveSecret(context.host, flags.secret).data, 'base64').toString();
    return { username, password: text.replace(/\r?\n$/, '') };
  }
  if (flags.password === undefined && !context.stdinIsTty) {
    throw new CtrError('USAGE', 'the password cannot be asked for: standard input is no terminal', {
      hint: 'use --password-stdin',
    });
  }
  return { username, password: flags.password ?? (await askSecret(context, 'Password: ')) };
}
