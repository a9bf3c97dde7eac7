/** The file with the secret that the machines of an overlay network share. Nothing of it is ever shown. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';

const [minBytes, maxBytes] = [32, 65_536];
const advice = 'make one with: (umask 077; openssl rand -hex 32 >FILE), and copy it to each machine';

/** INVALID or DENIED when it is not a file of the user's own that nobody else may read. White space at its end does not count. */
export function readKeyFile(host: Host, path: string): Buffer {
  const fd = openKeyFile(path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new CtrError('INVALID', `key file ${path} is not a file`, { hint: advice });
    if (stat.uid !== host.uid) {
      throw new CtrError('DENIED', `key file ${path} belongs to user ${stat.uid}`, { hint: 'it has to be your own' });
    }
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new CtrError('DENIED', `key file ${path} may be read by others (mode ${mode})`, {
        hint: `chmod 600 ${path}`,
      });
    }
    if (stat.size > maxBytes) throw new CtrError('INVALID', `key file ${path} is too large`, { hint: advice });
    const secret = Buffer.from(readFileSync(fd, 'latin1').trimEnd(), 'latin1');
    if (secret.length >= minBytes) return secret;
    throw new CtrError('INVALID', `key file ${path} has less than ${minBytes} bytes`, { hint: advice });
  } finally {
    closeSync(fd);
  }
}

function openKeyFile(path: string): number {
  try {
    // Not blocking: a FIFO is refused, not waited for.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') {
      throw new CtrError('NOT_FOUND', `there is no key file ${path}`, { cause, hint: advice });
    }
    throw new CtrError('DENIED', `key file ${path} cannot be read`, { cause });
  }
}
