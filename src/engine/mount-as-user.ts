/**
 * `-v DIR:/place:me`: what is yours there is the container user's. The kernel maps the owners of one mount only for root
 * (mount_setattr(2) MOUNT_ATTR_IDMAP wants CAP_SYS_ADMIN over the file system), but the ids of a whole container for
 * everybody: so the caller gets the number of the user that the container runs as, and the image's files keep their
 * owners (--userns keep-id:exact, docs/userns.md).
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Digest } from '../oci/digest.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import { containerIds } from './container-ids.ts';
import { insideId } from './explain-bind.ts';
import { lowerLayers } from './rootfs.ts';
import type { MountRequest, RunRequest } from './run-request.ts';
import { joinedContainer } from './shared-namespaces.ts';
import { idMapsFor, ownerKindFor } from './user-namespace.ts';
import { userOf } from './volumes.ts';

export const isForUser = ({ options }: MountRequest): boolean => options.includes('me');

/** The request with the ids that such a mount needs; throws where they cannot be had. The image is unpacked. */
export function withCallerAsUser(
  host: Host,
  request: RunRequest,
  image: { readonly diffIds: readonly Digest[]; readonly defaults: ContainerDefaults },
): RunRequest {
  const { diffIds, defaults } = image;
  const { stack } = lowerLayers(host, { diffIds, ownerKind: ownerKindFor(idMapsFor(host)) }, request.rootfs);
  const { user, uid, gid } = chosenUser(host, request, defaults, stack);
  const isFree = request.userns === undefined || request.userns.mode === 'host';
  const isUsual = uid === 0 || !isFree || joinedContainer(host, request) !== undefined;
  const chosen: RunRequest = isUsual
    ? request
    : { ...request, user, userns: { mode: 'keep-id', uid, gid, exact: true } };
  const you = insideId(host.uid, containerIds(host, chosen).maps.uid);
  if (you === uid) return chosen;
  const { target = '' } = request.mounts.find(isForUser) ?? {};
  throw new CtrError(
    'UNSUPPORTED',
    `mount ${target}: \`me\` wants you to be user ${uid}, whom the container runs as; its ids make you ${you ?? 'nobody'}`,
    {
      hint: 'leave out --userns, --uidmap and namespaces of other containers, or --user, so that `me` can choose the ids; root maps single mounts, others cannot',
    },
  );
}

function chosenUser(host: Host, request: RunRequest, defaults: ContainerDefaults, stack: readonly string[]) {
  const kept = containerIds(host, request).user;
  const { uid, gid } = userOf({ request, defaults, stack, ids: kept ? { user: kept } : {} });
  return { uid, gid, user: request.user ?? defaults.User ?? '' };
}
