/** Whatever the text: a Dockerfile is read or refused with a CtrError; nothing else is thrown, nothing hangs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CtrError } from '../../../src/base/ctr-error.ts';
import { expandContent, expandWord } from '../../../src/build/expand-word.ts';
import { parseIgnoreFile } from '../../../src/build/ignore-file.ts';
import { applyModeChange, parseModeChange } from '../../../src/build/mode-change.ts';
import { parseDockerfile } from '../../../src/build/parse-dockerfile.ts';
import { planBuild } from '../../../src/build/plan-build.ts';
import { expandStep, openScope } from '../../../src/build/scope.ts';

const platforms = { platform: 'linux/amd64', buildPlatform: 'linux/amd64' };

/** What `work` gives, or the CtrError that it throws; anything else fails the test. */
function resultOrRefusal<T>(work: () => T): T | CtrError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CtrError) return error;
    throw error;
  }
}

/** Pieces that mean something in a Dockerfile, in any order. */
const piece = fc.constantFrom(
  ...[
    'FROM',
    'RUN',
    'COPY',
    'ADD',
    'ENV',
    'ARG',
    'LABEL',
    'HEALTHCHECK',
    'ONBUILD',
    'EXPOSE',
    'VOLUME',
    'SHELL',
    'CMD',
  ],
  ...['USER', 'WORKDIR', 'STOPSIGNAL', 'ENTRYPOINT', 'MAINTAINER', 'scratch', 'AS', 'a', 'A=1', 'NONE', '8080/tcp'],
  ...['--from=a', '--from=0', '--mount=type=', 'cache', ',', 'target=/x', '--chmod=u+x', '--platform=$TARGETPLATFORM'],
  ...['\\', '\\\n', '\n', '\n\n', ' ', '\t', '#', '# escape=`\n', '# check=', '"', "'", '`', '[', ']', '["a"]', '['],
  ...[
    '$',
    '${',
    '}',
    ':-',
    ':?',
    '##',
    '%%',
    '/',
    '//',
    '<<EOF',
    '<<-"E"',
    'EOF\n',
    'E\n',
    '=',
    '$A',
    `${'$'}{A:-b}`,
    '\r\n',
  ],
);
const dockerfileText = fc.oneof(
  fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 40 }).map((pieces) => `FROM scratch\n${pieces.join(' ')}`),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

describe('Dockerfiles of any text [U]', () => {
  it('are read, planned and expanded, or refused with a CtrError', () => {
    fc.assert(
      fc.property(dockerfileText, (text) => {
        resultOrRefusal(() => {
          const plan = planBuild(parseDockerfile(text, { fileName: 'Dockerfile' }), platforms);
          for (const { instructions } of plan.stages) {
            let scope = openScope(plan.globals, ['PATH=/bin'], plan.dockerfile.directives.escape);
            for (const instruction of instructions) scope = expandStep(scope, instruction).scope;
          }
        });
      }),
      { numRuns: 3000 },
    );
  });

  it('have places that lie inside the file, one instruction behind the other', () => {
    fc.assert(
      fc.property(dockerfileText, (text) => {
        const dockerfile = resultOrRefusal(() => parseDockerfile(text, { fileName: 'Dockerfile' }));
        if (dockerfile instanceof CtrError) return;
        const lines = dockerfile.text.split(/\r?\n/);
        let last = 0;
        for (const { source } of dockerfile.stages.flatMap(({ from, instructions }) => [from, ...instructions])) {
          expect(source.line).toBeGreaterThan(last);
          expect(source.endLine).toBeGreaterThanOrEqual(source.line);
          expect(source.endLine).toBeLessThanOrEqual(lines.length);
          expect(source.column).toBeLessThanOrEqual((lines[source.line - 1]?.length ?? 0) + 1);
          last = source.endLine;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('expandWord, expandContent [U]', () => {
  const word = fc.oneof(
    fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary', maxLength: 100 }),
  );
  const lookup = (name: string) => ({ A: 'value', EMPTY: '' })[name];

  it('are total: a value, or a CtrError', () => {
    fc.assert(
      fc.property(word, fc.constantFrom('\\' as const, '`' as const), (text, token) => {
        resultOrRefusal(() => expandWord(text, { escape: token, lookup }));
        resultOrRefusal(() => expandContent(text, { escape: token, lookup }));
      }),
      { numRuns: 3000 },
    );
  });

  it('leave words alone that have neither variables, quotes nor escapes', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 50 }).filter((text) => !/[$'"\\]/.test(text)),
        (text) => {
          expect(expandWord(text, { escape: '\\', lookup })).toBe(text);
        },
      ),
    );
  });

  it('put any value in as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (value) => {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own syntax
        const words = ['$V', '${V}', '"$V"', '${V:-x}x'];
        const expanded = words.map((text) => expandWord(text, { escape: '\\', lookup: () => value }));
        expect(expanded).toEqual([value, value, value, `${value || 'x'}x`]);
      }),
    );
  });

  it('refuses nesting without end instead of running out of stack', () => {
    const nested = `${'$'}{A:-`.repeat(50_000);
    expect(() => expandWord(nested, { escape: '\\', lookup: () => undefined })).toThrow(/nested/);
  });
});

describe('parseIgnoreFile [U]', () => {
  const pattern = fc.array(
    fc.constantFrom('a', 'b', '/', '*', '**', '?', '!', '.', '..', '[', ']', '-', '\\', '\n', '#'),
  );

  it('reads any text or refuses it, and answers for any path', () => {
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[ab]{1,3}(\/[ab]{1,3}){0,3}$/), (pieces, path) => {
        resultOrRefusal(() => {
          const rules = parseIgnoreFile(pieces.join(''), '.dockerignore');
          expect(typeof rules.isIgnored(path)).toBe('boolean');
          expect(typeof rules.mayContainExceptions(path)).toBe('boolean');
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('says of every directory above a path that comes back in that it may contain exceptions', () => {
    fc.assert(
      fc.property(pattern, fc.stringMatching(/^[ab]{1,2}\/[ab]{1,2}\/[ab]{1,2}$/), (pieces, path) => {
        resultOrRefusal(() => {
          const rules = parseIgnoreFile(pieces.join(''), '.dockerignore');
          const parent = path.split('/').slice(0, 2).join('/');
          const cameBack = rules.isIgnored(parent) && !rules.isIgnored(path);
          if (cameBack) expect(rules.mayContainExceptions(parent)).toBe(true);
        });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseModeChange, applyModeChange [U]', () => {
  it('keep to permission bits for any clauses', () => {
    const clause = fc.stringMatching(/^[ugoa]{0,3}([-+=][rwxXst]{0,3}){1,2}$/);
    fc.assert(
      fc.property(
        fc.array(clause, { minLength: 1, maxLength: 3 }),
        fc.nat(0o7777),
        fc.boolean(),
        (texts, mode, isDir) => {
          const result = applyModeChange(parseModeChange(texts.join(',')), mode, isDir);
          expect(result & ~0o7777).toBe(0);
        },
      ),
    );
  });
});
