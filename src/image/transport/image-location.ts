/** Where an image is, as containers-transports(5) writes it: `docker://…`, `oci:DIR:NAME`, `docker-archive:FILE`, … */
import { CtrError } from '../../base/ctr-error.ts';

export type ImageLocation =
  | { readonly transport: 'docker'; readonly name: string }
  | {
      readonly transport: 'oci' | 'oci-archive' | 'docker-archive';
      readonly path: string;
      readonly name: string | undefined;
    }
  | { readonly transport: 'dir'; readonly path: string };

const fileTransports = ['oci', 'oci-archive', 'docker-archive', 'dir'] as const;

/** Undefined when `text` begins with no transport: an image's name. */
export function parseLocation(text: string): ImageLocation | undefined {
  const colon = text.indexOf(':');
  const prefix = text.slice(0, Math.max(colon, 0));
  const rest = text.slice(colon + 1);
  if (prefix === 'docker' && rest.startsWith('//')) return { transport: 'docker', name: rest.slice(2) };
  const transport = fileTransports.find((name) => name === prefix);
  // `oci:1` may as well be the image `oci` with the tag 1: only what looks like a path is a place.
  if (transport === undefined || !rest.includes('/')) return undefined;
  if (transport === 'dir') return { transport, path: rest };
  const end = rest.indexOf(':');
  const [path, name] = end < 0 ? [rest, undefined] : [rest.slice(0, end), rest.slice(end + 1)];
  if (path === '') throw new CtrError('USAGE', `${text}: a path is missing`);
  return { transport, path, name: name || undefined };
}
