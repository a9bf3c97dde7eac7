/** What every test of named networks begins and ends with. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Bed, openBed } from './bed.ts';

/** The host's tools, in a container of busybox. */
export const hostTools = ['-v', '/usr:/usr:ro', '-v', '/lib64:/lib64:ro', '-v', '/lib:/lib:ro'];

/** A bed with busybox for the whole file, handed to `begin`; no container and no network is left after a test. */
export function useNetworkBed(begin: (bed: Bed, image: string) => void): void {
  let bed: Bed;
  beforeAll(async () => {
    bed = await openBed();
    const image = bed.image('busybox');
    await bed.ctr('pull', '-q', image);
    begin(bed, image);
  });
  afterEach(async () => {
    await bed.ctr('rm', '-f', '-a', '-t', '0');
    await bed.ctr('network', 'prune', '-f');
  });
  afterAll(() => bed?.close());
}
