/** The tree's rules as data (docs/architecture.md): a failure prints the import and the reason of the rule. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../src');
const ranks: Record<string, number> = {
  base: 0,
  oci: 1,
  linux: 2,
  storage: 3,
  image: 4,
  ns: 4,
  net: 4,
  build: 4,
  compose: 4,
  engine: 5,
  cli: 6,
  api: 6,
};
/** Files past 400 lines that wait to be split; the list may only shrink. */
const sizeDebt: readonly string[] = [];

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const text = (file: string) => readFileSync(join(src, file), 'utf8');
const folder = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : 'main');

function importsOf(file: string): Import[] {
  const found = text(file).matchAll(/(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'|\bimport\('([^']+)'\)/g);
  return [...found].map((match) => {
    const name = match[1] ?? match[2] ?? '';
    return { from: file, to: name.startsWith('.') ? relative(src, join(src, dirname(file), name)) : name };
  });
}

const imports = files.flatMap(importsOf);
const internal = imports.filter(({ to }) => to.endsWith('.ts'));
const say = ({ from, to }: Import) => `${from} → ${to}`;

describe('architecture [U]', () => {
  it('imports go from a higher rank to a lower one; equal ranks do not know each other', () => {
    const wrong = internal.filter(({ from, to }) => {
      const [a, b] = [folder(from), folder(to)];
      if (a === 'main' || a === b) return false;
      return (ranks[b] ?? 99) >= (ranks[a] ?? -1);
    });
    expect(wrong.map(say)).toEqual([]);
  });

  it.each([
    ['R1 only linux/ffi.ts loads ffi-rs: one door to the kernel', /(ffi-rs|@yuuang)/, /^linux\/ffi\.ts$/],
    ['R2 only image/transport/ imports node-fetch: one door to the network', /^node-fetch$/, /^image\/transport\//],
    ['R3 only cli/ imports commander', /^commander$/, /^cli\//],
  ])('%s', (_because, what, where) => {
    const byText = files.filter((file) => importsOf(file).some(({ to }) => what.test(to)) && !where.test(file));
    expect(byText).toEqual([]);
  });

  it('R4 oci/ and build/ are pure: no fs, child processes or sockets', () => {
    const impure = /^node:(fs|child_process|net|http|https)(\/|$)/;
    expect(imports.filter(({ from, to }) => /^(oci|build)\//.test(from) && impure.test(to)).map(say)).toEqual([]);
  });

  it('R5 only storage/layout.ts joins paths below the roots', () => {
    const joins = /\$\{[\w.]*(dataRoot|runRoot)\}\//;
    const wrong = files.filter((file) => joins.test(text(file)) && file !== 'storage/layout.ts');
    expect(wrong).toEqual([]);
  });

  it('R6 src/ imports nothing from test/', () => {
    expect(imports.filter(({ to }) => to.startsWith('..')).map(say)).toEqual([]);
  });

  it('R7 no import cycles', () => {
    const next = new Map<string, string[]>();
    for (const { from, to } of internal) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const visit = (file: string, chain: string[]): string[] | undefined => {
      if (chain.includes(file)) return [...chain.slice(chain.indexOf(file)), file];
      if (done.has(file)) return undefined;
      for (const to of next.get(file) ?? []) {
        const cycle = visit(to, [...chain, file]);
        if (cycle) return cycle;
      }
      done.add(file);
      return undefined;
    };
    expect(files.map((file) => visit(file, [])).filter(Boolean)).toEqual([]);
  });

  it('files stay below 400 lines', () => {
    const long = files.filter((file) => text(file).split('\n').length > 400);
    expect(long).toEqual(sizeDebt);
  });

  it('there is no drawer for everything', () => {
    expect(
      files.filter((file) => /(^|\/)(utils?|helpers?|common|types|manager|service|index)(\/|\.ts$)/.test(file)),
    ).toEqual(files.includes('api/index.ts') ? ['api/index.ts'] : []);
  });
});

describe('docs/architecture.md [U]', () => {
  const hops = [
    ...readFileSync(join(src, '../docs/architecture.md'), 'utf8').matchAll(
      /^\|\s*\d\s*\|\s*`src\/([^`]+)`\s+`(\w+)`/gm,
    ),
  ].map((match) => [match[1] ?? '', match[2] ?? ''] as const);

  it('shows the path of `ctr run` in at most eight hops', () => {
    expect(hops.length).toBeGreaterThan(5);
    expect(hops.length).toBeLessThanOrEqual(8);
  });

  it.each(hops)('%s exports %s', (file, name) => {
    expect(text(file)).toMatch(new RegExp(`export (async )?(function|const) ${name}\\b`));
  });
});
