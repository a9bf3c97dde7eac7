/** What containers change in large layers: copy-up by the kernel, then `diff` and `commit` of it. */
import type { Case, Things } from './cases.ts';
import type { Subject } from './measure.ts';

/** Random bytes: nothing is gained by a compressor or by holes. */
const bigFile = 'dd if=/dev/urandom of=/big bs=1M count=3072 2>/dev/null';
const manyFiles =
  'for d in $(seq 100); do mkdir -p /tree/$d; cd /tree/$d; seq 1000 | xargs touch; done; echo x > /tree/1/1';

export function changeCases({ ctr, small }: Things): Case[] {
  return [
    ...casesOf({ ctr, small }, 'a 3 GB file', bigFile, 'chmod 600 /big', 1),
    ...casesOf({ ctr, small }, '100,000 files', manyFiles, 'chmod -R 700 /tree', 2),
  ];
}

/** An image that has it in a layer, a container that has touched all of it. */
function casesOf(
  { ctr, small }: Pick<Things, 'ctr' | 'small'>,
  what: string,
  make: string,
  touch: string,
  rounds: number,
): Case[] {
  const quoted = (script: string) => `sh -c '${script}'`;
  const both = (describe: (tool: string) => Omit<Subject, 'label'>): Subject[] => [
    { label: 'ctr', ...describe(ctr) },
    { label: 'podman', ...describe('podman') },
  ];
  const script = (...lines: readonly string[]) => ['sh', '-ec', lines.join('; ')];
  const image = (tool: string) => [
    `${tool} image exists localhost/base || { ${tool} run --name base --network none ${small} ${quoted(make)}`,
    `${tool} commit -q base localhost/base >/dev/null; ${tool} rm base >/dev/null; }`,
  ];
  const changed = (tool: string) => [
    `${tool} container exists changed || ${tool} run --name changed --network none localhost/base ${quoted(touch)}`,
  ];
  const forget = (tool: string) => script(`${tool} rm changed`, `${tool} rmi -f localhost/base`);
  return [
    {
      name: `copy-up of ${what}`,
      rounds,
      subjects: both((tool) => ({
        prepare: script(...image(tool)),
        argv: script(`${tool} run --rm --network none localhost/base ${quoted(touch)}`),
      })),
    },
    {
      name: `diff of ${what}`,
      rounds,
      subjects: both((tool) => ({
        prepare: script(...image(tool), ...changed(tool)),
        argv: [tool, 'diff', 'changed'],
      })),
    },
    {
      name: `commit of ${what}`,
      rounds,
      subjects: both((tool) => ({
        prepare: script(...image(tool), ...changed(tool)),
        argv: [tool, 'commit', '-q', 'changed', 'localhost/new'],
        reset: [tool, 'rmi', '-f', 'localhost/new'],
        finish: forget(tool),
      })),
    },
  ];
}
