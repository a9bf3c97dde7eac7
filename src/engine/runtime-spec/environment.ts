import type { ContainerUser } from '../user-lookup.ts';
import type { RuntimeSpecInput } from './facts.ts';

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A variable that is not there is empty, as in Podman. */
const withVariables = (text: string, variables: ReadonlyMap<string, string>) =>
  text.replace(
    /\$\{(\w+)\}|\$(\w+)/g,
    (_word, braced?: string, bare?: string) => variables.get(braced ?? bare ?? '') ?? '',
  );

/**
 * The environment, lowest precedence first (podman-run(1) "Environment"): defaults, image, flags. HOME is the
 * user's by /etc/passwd unless something above says otherwise; `--unsetenv` takes away defaults, never flags.
 */
export function environmentFor(input: RuntimeSpecInput, user: ContainerUser, hostname: string): string[] {
  const { request, defaults } = input;
  const variables = new Map<string, string>();
  const set = (pairs: readonly string[]) => {
    for (const pair of pairs) {
      const equals = pair.indexOf('=');
      if (equals > 0) variables.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
  };
  if (!request.unsetAllEnv) {
    set([`PATH=${defaultPath}`, ...(request.tty ? ['TERM=xterm'] : []), 'container=ctr']);
    set([`HOSTNAME=${hostname}`, `HOME=${user.home}`]);
    set(defaults.Env ?? []);
    // An image that says HOME= means "decide for me", as in Docker.
    if (variables.get('HOME') === '') variables.set('HOME', user.home);
  }
  for (const name of request.unsetEnv) variables.delete(name);
  set((request.envMerge ?? []).map((pair) => withVariables(pair, variables)));
  set(request.env);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
