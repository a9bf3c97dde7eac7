/** Programs of this machine with their libraries, over busybox: nothing has to be installed in a RUN. */
import { execFileSync } from 'node:child_process';
import type { Bed } from './bed.ts';

/** The image `localhost/tools`, built by ctr. */
export async function makeToolImage(bed: Bed, programs: readonly string[]): Promise<void> {
  await bed.ctr('pull', '-q', bed.image('busybox'));
  await bed.ctr('tag', bed.image('busybox'), 'localhost/base');
  const libraries = execFileSync('ldd', [...programs], { encoding: 'utf8' }).matchAll(/(\/\S+\.so\S*)/g);
  const root = bed.directory('tools/root');
  execFileSync('cp', [
    '-L',
    '--parents',
    ...new Set([...programs, ...[...libraries].map(([, path = '']) => path)]),
    root,
  ]);
  execFileSync('chmod', ['-R', 'a+rX', root]);
  bed.file('tools/Dockerfile', 'FROM localhost/base\nCOPY root /\n');
  const { code, stderr } = await bed.ctr('build', '-q', '-t', 'localhost/tools', 'tools');
  if (code !== 0) throw new Error(stderr);
}
