/** Events of containers in Podman's words (podman-events(1)). */
import type { Host } from '../base/host.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { recordEvent } from '../storage/event-log.ts';

export type ContainerEventStatus =
  | ('create' | 'start' | 'died' | 'stop' | 'kill' | 'remove' | 'restart' | 'rename')
  | 'init'
  | ('pause' | 'unpause' | 'attach' | 'exec' | 'exec_died' | 'commit' | 'export' | 'health_status');

export interface EventDetails {
  readonly exitCode?: number;
  /** What belongs to this event beside the container's labels: `signal`. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export function recordContainerEvent(
  host: Host,
  container: ContainerRecord,
  status: ContainerEventStatus,
  { exitCode, attributes }: EventDetails = {},
): void {
  recordEvent(host, {
    ...{ type: 'container', status, id: container.id, name: container.name },
    ...(container.imageName === undefined ? {} : { image: container.imageName }),
    ...(exitCode === undefined ? {} : { exitCode }),
    attributes: { ...container.labels, ...attributes },
  });
}
