/** Names that break careless programs: blanks, bytes that are not UTF-8, 200 characters, colons and commas. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { busyboxArchive } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { archiveOf, imageOf, layerOf, pushImage } from '../support/oci-image.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'busybox', 'subordinate-ids');
const run = (...args: readonly string[]) => bed.ctr('run', '--rm', '--network', 'none', ...args);

describe('unusual names [E]', () => {
  promise('binds a directory with blanks, quotes and a comma in its name', async () => {
    const dir = bed.directory(`my "own" files, and 'more'`);
    bed.file(`my "own" files, and 'more'/read me`, 'ok\n');
    expect(await run('-v', `${dir}:/a b`, bed.image('busybox'), 'cat', '/a b/read me')).toMatchObject({
      stdout: 'ok\n',
    });
  });

  promise('keeps its store below a path with blanks, colons and commas', async () => {
    const root = `${bed.home}/odd: place, here`;
    const outcome = await bed.ctr(
      '--root',
      root,
      'run',
      '--rm',
      '-q',
      '--network',
      'none',
      bed.image('busybox'),
      'echo',
      'ok',
    );
    expect(outcome).toMatchObject({ code: 0, stdout: 'ok\n' });
  });

  promise('takes a container name of 200 characters', async () => {
    const outcome = await run('--name', 'n'.repeat(200), bed.image('busybox'), 'echo', 'ok');
    expect(outcome).toMatchObject({ code: 0, stdout: 'ok\n' });
  });

  promise('unpacks and shows a file name that is not UTF-8', async () => {
    const name = 'caf_';
    const archive = await archiveOf([{ name, content: 'latin-1\n' }]);
    const bytes = Buffer.from(archive.toString('latin1').replaceAll(name, 'caf\xe9'), 'latin1');
    fixChecksum(bytes);
    const image = imageOf([layerOf(await busyboxArchive()), layerOf(bytes)]);
    await pushImage(`http://${bed.registryHost}`, 'latin1', 'latest', image);
    const outcome = await run('-q', `${bed.registryHost}/latin1`, 'sh', '-c', `cat "/$(printf 'caf\\351')"`);
    expect(outcome).toMatchObject({ code: 0, stdout: 'latin-1\n' });
  });
});

/** The checksum field of the first ustar header, computed anew (tar(5)). */
function fixChecksum(archive: Buffer): void {
  archive.fill(' ', 148, 156);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}
