/** How a container ended: the 24 bytes that its supervisor leaves (ns/supervisor.ts), {wait status, seconds, nanoseconds}. */
import { readFileSync, statSync } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { layout } from './layout.ts';

export interface ContainerExit {
  /** As a shell shows it: 128+n when signal n ended it. */
  readonly exitCode: number;
  /** RFC 3339 with nanoseconds. */
  readonly finishedAt: string;
}

/** Undefined when it has not ended since its last start, or ended with nobody left to watch. */
export function readExit(host: Host, id: string): ContainerExit | undefined {
  const path = layout.containerExit(host, id);
  if (!statSync(path, { throwIfNoEntry: false })) return undefined;
  try {
    return parseExit(readFileSync(path));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined for a record that was cut short by a full disk. */
export function parseExit(record: Buffer): ContainerExit | undefined {
  if (record.length < 24) return undefined;
  const status = record.readInt32LE(0);
  const signal = status & 0x7f;
  const seconds = Number(record.readBigInt64LE(8));
  const nanoseconds = String(record.readBigInt64LE(16)).padStart(9, '0');
  const toSecond = new Date(seconds * 1000).toISOString().slice(0, 19);
  return {
    exitCode: signal === 0 ? (status >> 8) & 0xff : 128 + signal,
    finishedAt: `${toSecond}.${nanoseconds}Z`,
  };
}
