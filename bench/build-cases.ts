/** Builds beside `podman build`: thirty steps without a cache and with all of them in it, and a COPY of many files. */
import type { Case, Things } from './cases.ts';

const fileCount = 50_000;

/** `FROM` and thirty steps of the kinds that real files have. */
function thirtySteps(base: string): string {
  const steps = Array.from({ length: 6 }, (_, index) => [
    `ENV STEP_${index}=${index}`,
    `WORKDIR /srv/${index}`,
    `COPY file-${index} ./copied`,
    `RUN echo ${index} >made && cp copied again`,
    `RUN for n in 1 2 3 4 5; do echo "$n $STEP_${index}" >"part-$n"; done`,
  ]);
  return [`FROM ${base}`, ...steps.flat()].join('\n');
}

/** Makes the contexts `steps` and `files` in the working directory. */
function contextsScript(base: string): string {
  return `const fs = require('fs');
fs.mkdirSync('steps', { recursive: true });
fs.writeFileSync('steps/Dockerfile', ${JSON.stringify(thirtySteps(base))});
for (let i = 0; i < 6; i++) fs.writeFileSync('steps/file-' + i, 'content ' + i + '\\n');
if (!fs.existsSync('files')) {
  for (let i = 0; i < ${fileCount}; i++) {
    if (i % 100 === 0) fs.mkdirSync('files/' + i / 100, { recursive: true });
    fs.writeFileSync('files/' + Math.floor(i / 100) + '/file-' + i, ('line ' + i + '\\n').repeat(100));
  }
  fs.writeFileSync('files/Dockerfile', ${JSON.stringify(`FROM ${base}\nCOPY . /files/\n`)});
}`;
}

export function buildCases({ ctr, node, small }: Things): Case[] {
  const tools = [
    { label: 'ctr', program: ctr, clear: [ctr, 'image', 'prune', '-f'] },
    { label: 'podman', program: 'podman', clear: ['podman', 'image', 'prune', '-f'] },
  ];
  const build = ['build', '-q', '--network', 'none', '-t', 'localhost/bench'];
  const prepare = [node, '-e', contextsScript(small)];
  const uncached = (context: string) =>
    tools.map(({ label, program, clear }) => ({
      ...{ label, prepare, reset: clear },
      argv: [program, ...build, '--no-cache', context],
    }));
  return [
    { name: 'build, 30 steps, no cache', rounds: 3, subjects: uncached('steps') },
    {
      name: 'build, 30 steps, nothing changed',
      rounds: 7,
      // The round of warming up fills the cache.
      subjects: tools.map(({ label, program }) => ({ label, prepare, argv: [program, ...build, 'steps'] })),
    },
    { name: 'build, COPY of 50,000 files', rounds: 3, subjects: uncached('files') },
  ];
}
