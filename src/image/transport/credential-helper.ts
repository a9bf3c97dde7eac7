/** Programs that keep secrets (`docker-credential-NAME get|store|erase`, the docker-credential-helpers protocol). */
import { CtrError, errnoOf } from '../../base/ctr-error.ts';
import { object, parseJson, string } from '../../oci/check.ts';

const answerShape = object({ Username: string, Secret: string });
const maxAnswerBytes = 256 * 1024;
/** Keychains may ask the user to unlock them. */
const timeoutMs = 120_000;

export interface HelperAnswer {
  readonly Username: string;
  readonly Secret: string;
}

/**
 * Ask helper `name`: `get` and `erase` take the server's name, `store` an object. Undefined: the helper knows no such
 * server. For `store` and `erase` the answer's members are empty.
 */
export async function runCredentialHelper(
  name: string,
  action: 'get' | 'store' | 'erase',
  input: string | { readonly ServerURL: string; readonly Username: string; readonly Secret: string },
): Promise<HelperAnswer | undefined> {
  // The name becomes a program's name: a file from another machine must not choose a path.
  if (!/^[A-Za-z0-9_.-]+$/.test(name))
    throw new CtrError('INVALID', `invalid credential helper ${JSON.stringify(name)}`);
  const program = `docker-credential-${name}`;
  const { output, status } = await converse(program, action, typeof input === 'string' ? input : JSON.stringify(input));
  if (status !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw new CtrError('UNAUTHORIZED', `${program} ${action} failed`, { hint: `run \`${program} list\` to see why` });
  }
  return action === 'get' ? parseJson(output, program, answerShape) : { Username: '', Secret: '' };
}

async function converse(program: string, action: string, input: string): Promise<{ output: string; status: number }> {
  const { spawn } = await import('node:child_process');
  const child = spawn(program, [action], { stdio: ['pipe', 'pipe', 'inherit'], timeout: timeoutMs });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  // A helper that ends without reading its input is judged by its exit status.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < maxAnswerBytes) output += text;
  });
  try {
    return { status: await ended, output };
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause;
    throw new CtrError('NOT_FOUND', `the credential helper ${program} is not in PATH`, {
      cause,
      hint: 'auth.json or config.json names it under credsStore or credHelpers',
    });
  }
}
