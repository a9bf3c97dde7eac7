import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CtrError } from '../../../src/base/ctr-error.ts';
import { parseAnnotation } from '../../../src/cli/build-annotation-flags.ts';
import { parseCacheFrom, parseCacheTo } from '../../../src/cli/build-cache-flags.ts';
import { declareBuildFlags } from '../../../src/cli/build-flags.ts';
import { parseOutput } from '../../../src/cli/build-output-flags.ts';
import type { FlagSet } from '../../../src/cli/flag-set.ts';
import { refusalReasons } from '../../../src/cli/flags/refusal-reasons.ts';

/** Of tools newer than those of a test machine: docker-buildx-build(1) of 0.36, podman-build(1) of 6. */
const newer = {
  buildx:
    'add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent check debug ' +
    'file iidfile label load metadata-file network no-cache no-cache-filter output platform policy progress provenance ' +
    'pull push quiet sbom secret shm-size ssh tag target ulimit',
  podman:
    'all-platforms build-arg-file cert-dir compat-volumes created-annotation cw group-add inherit-annotations ' +
    'inherit-labels layer-label mount no-hostname retry retry-delay rewrite-timestamp save-stages sbom ' +
    'sbom-image-output sbom-image-purl-output sbom-merge-strategy sbom-output sbom-purl-output sbom-scanner-command ' +
    'sbom-scanner-image source-date-epoch source-policy-file stage-labels unsetannotation unsetlabel',
};

function knownFlags(): ReadonlySet<string> {
  const names = new Set(Object.keys(refusalReasons.build ?? {}));
  const add = (flags: string) => {
    for (const word of flags.split(/[ ,]+/)) if (word.startsWith('--')) names.add(word.slice(2));
    return recorder;
  };
  const recorder: FlagSet = { option: add, hidden: add, optionsGroup: () => recorder };
  declareBuildFlags(recorder);
  return names;
}

describe('flags of build [U]', () => {
  it.each(Object.entries(newer))('every flag of %s works or is refused with the reason', (_tool, text) => {
    const known = knownFlags();
    expect(text.split(' ').filter((name) => !known.has(name))).toEqual([]);
  });

  it('no flag is both declared and refused', () => {
    const declared = new Set<string>();
    const add = (flags: string) => {
      for (const word of flags.split(/[ ,]+/)) if (word.startsWith('-')) declared.add(word.replace(/^-+/, ''));
      return recorder;
    };
    const recorder: FlagSet = { option: add, hidden: add, optionsGroup: () => recorder };
    declareBuildFlags(recorder);
    expect(Object.keys(refusalReasons.build ?? {}).filter((name) => declared.has(name))).toEqual([]);
  });
});

describe('parseOutput [U] docker-buildx-build(1) "--output"', () => {
  it.each([
    ['out', { output: { type: 'local', dest: 'out' } }],
    ['-', { output: { type: 'tar' } }],
    ['dest=out', { output: { type: 'local', dest: 'out' } }],
    ['type=oci,dest=-', { output: { type: 'oci' } }],
    ['type=registry,name=a:1', { output: { type: 'image' }, names: ['a:1'], push: true }],
    ['type=image,"name=a:1,b:2",push=true', { names: ['a:1', 'b:2'], push: true }],
    ['type=image,annotation-index.a=1', { annotations: [{ place: 'index', key: 'a', value: '1' }] }],
    ['type=image,rewrite-timestamp=true', { output: { type: 'image' } }],
  ])('reads %s', (text, wanted) => expect(parseOutput(text)).toMatchObject(wanted));

  it.each(['type=local', 'type=floppy', 'type=image,push-by-digest=true', 'type=tar,rewrite-timestamp=false'])(
    'refuses %s',
    (text) => expect(() => parseOutput(text)).toThrow(CtrError),
  );
});

describe('parseAnnotation [U] docker-buildx-build(1) "--annotation"', () => {
  it('takes a place, a platform, several places; a colon in the key is none', () => {
    expect(parseAnnotation('a=b:c')).toEqual([{ place: 'manifest', key: 'a', value: 'b:c' }]);
    expect(parseAnnotation('x:a=1')).toEqual([{ place: 'manifest', key: 'x:a', value: '1' }]);
    expect(parseAnnotation('index,manifest[linux/arm64]:a=1')).toEqual([
      { place: 'index', key: 'a', value: '1' },
      { place: 'manifest', platform: 'linux/arm64', key: 'a', value: '1' },
    ]);
  });
});

it('reads any text as the value of a build flag, or refuses it with a reason [U]', () => {
  const parsers = [
    parseOutput,
    parseAnnotation,
    (text: string) => parseCacheFrom(text, '/'),
    (text: string) => parseCacheTo(text, '/'),
  ];
  fc.assert(
    fc.property(
      fc.string(),
      fc.constantFrom('', 'type=', 'type=local,', 'index:', 'type=registry,ref='),
      (text, start) => {
        for (const parse of parsers) {
          try {
            parse(start + text);
          } catch (error) {
            expect(error).toBeInstanceOf(CtrError);
          }
        }
      },
    ),
  );
});
