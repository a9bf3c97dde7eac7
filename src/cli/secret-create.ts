import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { maxSecretBytes } from '../engine/secrets.ts';
import { findSecret, writeSecret } from '../storage/secret-store.ts';
import { type CommandSpec, collect } from './command.ts';
import type { Context } from './context.ts';
import { flagError } from './flags/flag-error.ts';
import { splitKeyValue } from './flags/key-value.ts';

interface SecretCreateFlags {
  readonly label: readonly string[];
  readonly env?: boolean;
  readonly replace?: boolean;
  readonly driver: string;
}

export const command: CommandSpec<SecretCreateFlags> = {
  usage: '[options] NAME FILE|-',
  description: 'Keep a secret for `run --secret`, readable by you alone. It never becomes part of an image.',
  examples: [
    'secret create token ./token.txt',
    'printf %s "$TOKEN" | ctr secret create token -',
    'secret create --env token TOKEN',
  ],
  operands: [2, 2],
  declare(command) {
    command
      .option('-l, --label <key=value>', 'add a label', collect, [])
      .option('--env', 'the second argument names a variable that holds it')
      .option('--replace', 'replace a secret that has the name')
      .option('-d, --driver <name>', 'how it is kept: file', 'file');
  },
  run(context, [name = '', source = ''], { label, env, replace, driver }) {
    const { host } = context;
    if (driver !== 'file') throw flagError('--driver', driver, 'want file');
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/.test(name)) {
      throw new CtrError('USAGE', `${JSON.stringify(name)} is no name for a secret`, {
        hint: 'letters, digits, and _ . - after the first',
      });
    }
    const old = findSecret(host, name);
    const replaced = old?.name === name ? old : undefined;
    if (replaced && !replace) throw new CtrError('EXISTS', `secret ${name} exists`, { hint: '--replace replaces it' });
    const data = env ? fromVariable(context, source) : fromFile(source);
    if (data.length === 0 || data.length > maxSecretBytes) {
      throw new CtrError('INVALID', `a secret has 1 to ${maxSecretBytes} bytes, this one ${data.length}`);
    }
    const now = context.now().toISOString();
    const secret = {
      id: newId(),
      name,
      labels: Object.fromEntries(label.map((word) => [splitKeyValue(word)[0], splitKeyValue(word)[1] ?? ''])),
      createdAt: replaced?.createdAt ?? now,
      updatedAt: now,
      data: data.toString('base64'),
    };
    writeSecret(host, secret);
    context.stdout.write(`${secret.id}\n`);
    return 0;
  },
};

function fromVariable({ host }: Context, name: string): Buffer {
  const value = host.env[name];
  if (value === undefined) throw new CtrError('NOT_FOUND', `variable ${name} is not set`);
  return Buffer.from(value);
}

function fromFile(path: string): Buffer {
  try {
    return readFileSync(path === '-' ? 0 : path);
  } catch (cause) {
    throw new CtrError('NOT_FOUND', `cannot read ${path}`, { cause });
  }
}

function newId(): string {
  const digits = BigInt(`0x${randomBytes(20).toString('hex')}`).toString(36);
  return digits.slice(-25).padStart(25, '0');
}
