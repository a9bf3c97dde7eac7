/** `ctr image inspect`: an image as JSON in the shape that scripts for Docker and Podman read. */
import type { Host } from '../base/host.ts';
import { hexOf } from '../oci/digest.ts';
import { familiarName, parseReference } from '../oci/reference.ts';
import { layerDir } from '../storage/layer-store.ts';
import { describeImage, readConfig } from './images.ts';

/** Whose shape: IDs are bare and names full in Podman, and it adds some members. */
export type InspectStyle = 'docker' | 'podman';

export function inspectImage(host: Host, nameOrId: string, style: InspectStyle): Record<string, unknown> {
  const { image, names, repoDigests, sizeBytes } = describeImage(host, nameOrId);
  const config = readConfig(host, image);
  const show = (name: string) => (style === 'docker' ? familiarName(parseReference(name)) : name);
  return {
    Id: style === 'docker' ? image.id : hexOf(image.id),
    ...(style === 'podman' ? { Digest: image.manifest.digest } : {}),
    RepoTags: names.map(show),
    RepoDigests: repoDigests.map(show),
    Parent: '',
    Comment: config.comment ?? config.history.at(-1)?.comment ?? '',
    Created: image.createdAt ?? '0001-01-01T00:00:00Z',
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Config: config.config,
    Architecture: image.architecture,
    ...(image.variant === undefined ? {} : { Variant: image.variant }),
    Os: image.os,
    ...(config['os.version'] === undefined ? {} : { OsVersion: config['os.version'] }),
    Size: sizeBytes,
    VirtualSize: sizeBytes,
    GraphDriver: { Name: 'overlay', Data: overlayData(host, image.diffIds) },
    RootFS: { Type: 'layers', Layers: image.diffIds },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
    ...(style === 'podman' ? podmanMembers(config, image.manifest.mediaType, names) : {}),
  };
}

function overlayData(
  host: Host,
  diffIds: ReturnType<typeof describeImage>['image']['diffIds'],
): Record<string, string> {
  const directories = diffIds.map((diffId) => layerDir(host, { diffId, kind: 'm' })).reverse();
  const [upper, ...lower] = directories;
  return {
    ...(lower.length === 0 ? {} : { LowerDir: lower.join(':') }),
    ...(upper === undefined ? {} : { UpperDir: upper }),
  };
}

function podmanMembers(
  config: ReturnType<typeof readConfig>,
  manifestType: string,
  names: readonly string[],
): Record<string, unknown> {
  return {
    Labels: config.config.Labels ?? null,
    Annotations: {},
    ManifestType: manifestType,
    User: config.config.User ?? '',
    History: config.history,
    NamesHistory: names,
    ...(config.config.Healthcheck ? { Healthcheck: config.config.Healthcheck } : {}),
  };
}
