/** EXPOSE words → the keys of the image configuration's ExposedPorts (`8000/tcp`), ranges written out. */
import { CtrError } from '../base/ctr-error.ts';

export interface ExposedPort {
  readonly first: number;
  readonly last: number;
  /** As written. */
  readonly protocol: string;
  /** `ip:host:container`: accepted and without effect, as in Docker. */
  readonly mapsHost: boolean;
}

/** `80`, `80/tcp`, `8000-8010/udp`; sorted as Docker sorts them. */
export function exposedPorts(words: readonly string[]): string[] {
  const ports = words.map(parseExposedPort).flatMap(({ first, last, protocol }) => {
    return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol.toLowerCase()}`);
  });
  return [...new Set(ports)];
}

export function parseExposedPort(text: string): ExposedPort {
  const [, address = '', range = '', protocol = 'tcp'] = /^(.*:)?(\d+(?:-\d+)?)(?:\/([A-Za-z]*))?$/.exec(text) ?? [];
  const [first = 0, last = first] = range.split('-').map(Number);
  const known = ['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase());
  if (range === '' || first < 0 || last > 65535 || first > last || !known) {
    throw new CtrError('INVALID', `EXPOSE: invalid port ${JSON.stringify(text)}`, {
      hint: 'write a port or a range, with its protocol if it is not tcp: 80, 53/udp, 8000-8010',
    });
  }
  return { first, last, protocol: protocol === '' ? 'tcp' : protocol, mapsHost: address !== '' };
}
