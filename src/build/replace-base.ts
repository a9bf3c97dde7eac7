/** podman-build(1) "--from": another image in the first FROM. Pure. */
import type { Dockerfile } from './stage.ts';

export function replaceBase(dockerfile: Dockerfile, image: string | undefined): Dockerfile {
  const [first, ...others] = dockerfile.stages;
  if (image === undefined || !first) return dockerfile;
  return { ...dockerfile, stages: [{ ...first, from: { ...first.from, image } }, ...others] };
}
