/** One container as a line of `ps`: the fields for templates and tables, and Podman's JSON object. */
import { readlinkSync } from 'node:fs';
import { humanDuration, humanSize } from '../base/units.ts';
import { networkNames } from '../engine/container-filters.ts';
import { type ContainerEntry, createdMs } from '../engine/container-list.ts';
import { hostIpOf, portsText, rangesOf } from '../engine/container-ports.ts';
import type { ContainerSize } from '../engine/container-size.ts';
import { isRunning, statusText } from '../engine/container-status.ts';
import { hexOf } from '../oci/digest.ts';
import { familiarName, parseReference } from '../oci/reference.ts';
import type { Context } from './context.ts';

export interface RowChoice {
  readonly context: Context;
  readonly short: boolean;
  readonly size?: ContainerSize | undefined;
}

/** Docker's fields, and with Podman's personality those that only Podman has. What costs reads is a getter. */
export interface ContainerRow {
  readonly ID: string;
  readonly Image: string;
  readonly Command: string;
  readonly CreatedAt: string;
  readonly RunningFor: string;
  readonly Status: string;
  readonly State: string;
  readonly Names: string;
}

export function containerRow(entry: ContainerEntry, { context, short, size }: RowChoice): ContainerRow {
  const { container, status } = entry;
  const isDocker = context.compat === 'docker';
  const since = `${humanDuration(Math.max(0, context.now().getTime() - createdMs(entry)))} ago`;
  const row = {
    get Command() {
      return commandText(container.command, { isDocker, short });
    },
    get CreatedAt() {
      return goTime(container.createdAt);
    },
    ID: short ? container.id.slice(0, 12) : container.id,
    get Image() {
      return imageText(entry, isDocker);
    },
    get Labels() {
      if (!isDocker) return container.labels;
      return Object.entries(container.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',');
    },
    get LocalVolumes() {
      return String(entry.request.mounts.filter(({ type }) => type === 'volume').length);
    },
    get Mounts() {
      return entry.request.mounts.map(({ source, target }) => (isDocker && source ? source : target)).join(',');
    },
    Names: container.name,
    get Networks() {
      return networkNames(entry).join(',');
    },
    get Ports() {
      return isDocker && !isRunning(status) ? '' : portsText(entry.request.publish);
    },
    RunningFor: since,
    Size: size ? sizeText(size) : '',
    State: status.name,
    get Status() {
      return statusWithHealth(entry, context);
    },
  };
  const methods = { Label: (key: unknown) => container.labels[String(key)] ?? '' };
  return Object.defineProperties(isDocker ? row : Object.defineProperties(row, podmanFields(entry, since)), {
    Label: { value: methods.Label },
  });
}

/** Enumerable getters, so that templates and `{{json .}}` see them. */
function podmanFields(entry: ContainerEntry, since: string): PropertyDescriptorMap {
  const { container, status } = entry;
  const field = (get: () => unknown) => ({ enumerable: true, get });
  return {
    AutoRemove: field(() => entry.request.remove),
    CIDFile: field(() => entry.request.cidFile ?? ''),
    ExposedPorts: field(() => ''),
    IsInfra: field(() => false),
    Created: field(() => since),
    CreatedHuman: field(() => since),
    ImageID: field(() => (container.imageId === undefined ? '' : hexOf(container.imageId))),
    Pid: field(() => status.pid),
    Exited: field(() => status.name === 'exited'),
    ExitCode: field(() => status.exitCode),
    ExitedAt: field(() => unixSeconds(status.finishedAt)),
    StartedAt: field(() => unixSeconds(status.startedAt)),
    Restarts: field(() => status.restarts),
    Health: field(() => healthWord(entry)),
    Pod: field(() => ''),
    PodName: field(() => ''),
    ...Object.fromEntries(
      Object.entries(namespaceFields).map(([name, file]) => [name, field(() => namespaceOf(status.pid, file))]),
    ),
  };
}

/** podman-ps(1) "--ns": what a field is called, and its file in /proc/PID/ns (namespaces(7)). */
const namespaceFields: Readonly<Record<string, string>> = {
  CGROUPNS: 'cgroup',
  IPC: 'ipc',
  MNT: 'mnt',
  NET: 'net',
  PIDNS: 'pid',
  USERNS: 'user',
  UTS: 'uts',
};

/** Its number; empty for a container that does not run. */
function namespaceOf(pid: number, file: string): string {
  if (pid === 0) return '';
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/${file}`))?.[0] ?? '';
  } catch {
    return ''; // It has ended meanwhile.
  }
}

/** An element of `ps --format json` in Podman's shape. */
export function podmanContainer(entry: ContainerEntry, context: Context, size: ContainerSize | undefined): object {
  const { container, status, request } = entry;
  const createdAt = createdMs(entry);
  const noTime = -62135596800; // Go's zero time
  return {
    AutoRemove: request.remove,
    CIDFile: request.cidFile ?? '',
    Command: container.command,
    Created: Math.floor(createdAt / 1000),
    CreatedAt: `${humanDuration(Math.max(0, context.now().getTime() - createdAt))} ago`,
    ExitCode: status.exitCode,
    Exited: status.name === 'exited',
    ExitedAt: status.finishedAt === undefined ? noTime : unixSeconds(status.finishedAt),
    ExposedPorts: null,
    Id: container.id,
    Image: imageText(entry, false),
    ImageID: container.imageId === undefined ? '' : hexOf(container.imageId),
    IsInfra: false,
    Labels: container.labels,
    Mounts: request.mounts.map(({ target }) => target),
    Names: [container.name],
    Namespaces: {},
    Networks: networkNames(entry),
    Pid: status.pid,
    Pod: '',
    PodName: '',
    Ports: rangesOf(request.publish).map(({ first, count }) => ({
      host_ip: hostIpOf(first),
      container_port: first.containerPort,
      host_port: first.hostPort,
      range: count,
      protocol: first.protocol,
    })),
    Restarts: status.restarts,
    Size: size ? { rootFsSize: size.rootFsBytes, rwSize: size.rwBytes } : null,
    StartedAt: status.startedAt === undefined ? noTime : unixSeconds(status.startedAt),
    State: status.name,
    Status: statusWithHealth(entry, context),
  };
}

const unixSeconds = (time: string | undefined) => (time === undefined ? 0 : Math.floor(Date.parse(time) / 1000));

/** Go's default time format in UTC: `2024-05-01 10:00:00 +0000 UTC`. */
const goTime = (time: string) => `${time.slice(0, 19).replace('T', ' ')} +0000 UTC`;

function statusWithHealth(entry: ContainerEntry, context: Context): string {
  const text = statusText(entry.status, context.now(), context.compat);
  const health = healthWord(entry);
  return health === '' ? text : `${text} (${health})`;
}

function healthWord({ status, health }: ContainerEntry): string {
  return isRunning(status) ? (health?.Status ?? '') : '';
}

/** Docker quotes and cuts at 20, Podman cuts at 17. */
function commandText(words: readonly string[], { isDocker, short }: { isDocker: boolean; short: boolean }): string {
  const text = words.join(' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
  if (isDocker) return short && text.length > 20 ? `"${text.slice(0, 19)}…"` : `"${text}"`;
  return short && text.length > 17 ? `${text.slice(0, 17)}...` : text;
}

function imageText({ container: { imageName, imageId } }: ContainerEntry, isDocker: boolean): string {
  if (imageName === undefined) return '';
  if (imageName === imageId) return hexOf(imageId).slice(0, 12);
  return isDocker ? familiarName(parseReference(imageName)) : imageName;
}

const sizeText = ({ rwBytes, rootFsBytes }: ContainerSize) =>
  `${humanSize(rwBytes)} (virtual ${humanSize(rootFsBytes)})`;
