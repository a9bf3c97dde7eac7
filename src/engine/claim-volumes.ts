/**
 * The volumes of a container that is being created: names for anonymous ones, the image's volumes, those of
 * --volumes-from. What comes out is the request that is stored: every volume in it has a name and exists.
 */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import { resolveContainer } from '../storage/container-store.ts';
import { ensureVolume, readVolume } from '../storage/volume-store.ts';
import type { MountRequest, RunRequest } from './run-request.ts';
import { requestedMounts } from './runtime-spec/user-mounts.ts';
import { storedRequest } from './stored-request.ts';
import { removeAnonymousVolumes } from './volume-use.ts';

/** The request with all volumes named; anonymous ones are gone again when this throws. */
export async function claimVolumes(host: Host, request: RunRequest, defaults: ContainerDefaults): Promise<RunRequest> {
  const inherited = request.volumesFrom.flatMap((spec) => mountsFrom(host, spec));
  const own = new Set(request.mounts.map(({ target }) => target));
  const others = new Map(inherited.filter(({ target }) => !own.has(target)).map((mount) => [mount.target, mount]));
  const wanted = requestedMounts({ ...request, mounts: [...request.mounts, ...others.values()] }, defaults);
  const mounts: MountRequest[] = [];
  try {
    for (const mount of wanted) mounts.push(mount.type === 'volume' ? await claim(host, mount, request) : mount);
  } catch (error) {
    await removeAnonymousVolumes(host, mounts);
    throw error;
  }
  return { ...request, mounts };
}

async function claim(host: Host, mount: MountRequest, { volumeDriver }: RunRequest): Promise<MountRequest> {
  const driver = mount.volumeDriver ?? volumeDriver ?? 'local';
  const options = mount.volumeOptions ?? {};
  if (mount.source !== undefined && readVolume(host, mount.source)) return mount;
  const { createVolume } = await import('./volume-verbs.ts');
  const isAnonymous = mount.source === undefined;
  const name = mount.source === undefined ? {} : { name: mount.source };
  const volume = await createVolume(host, { ...name, driver, labels: {}, options, isAnonymous });
  return { ...mount, source: volume.name };
}

/** podman-run(1) --volumes-from CONTAINER[:OPTIONS]: all mounts that its user asked for, and its image's volumes. */
function mountsFrom(host: Host, spec: string): MountRequest[] {
  const colon = spec.indexOf(':');
  const name = colon === -1 ? spec : spec.slice(0, colon);
  const words = colon === -1 ? [] : spec.slice(colon + 1).split(',');
  const wrong = words.find((word) => !['ro', 'rw', 'z', 'Z'].includes(word));
  if (wrong !== undefined) {
    throw new CtrError('USAGE', `--volumes-from ${spec}: unknown option ${JSON.stringify(wrong)}`, {
      hint: 'options are ro, rw, z and Z',
    });
  }
  const container = resolveContainer(host, name);
  return storedRequest(container)
    .mounts.filter(({ type }) => type === 'volume' || type === 'bind' || type === 'image')
    .map((mount) => ({ ...mount, readOnly: words.includes('ro') || (mount.readOnly && !words.includes('rw')) }));
}

/** Make sure that a claimed volume is (still) there: `volume rm` may have come between create and start. */
export function claimedVolume(host: Host, mount: MountRequest) {
  const { source = '', volumeDriver: driver = 'local', volumeOptions: options = {} } = mount;
  const known = readVolume(host, source);
  if (known) return known;
  if (driver !== 'local') throw new CtrError('NOT_FOUND', `no volume with name "${source}" found: no such volume`);
  return ensureVolume(host, { name: source, driver, labels: {}, options, isAnonymous: false }).volume;
}
