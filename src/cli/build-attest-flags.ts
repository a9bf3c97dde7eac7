/** `--provenance`, `--sbom`, `--attest` (docker-buildx-build(1)). */
import { CtrError } from '../base/ctr-error.ts';
import type { Attestation } from '../engine/build/build-request.ts';
import { flagError } from './flags/flag-error.ts';
import { splitKeyValue } from './flags/key-value.ts';

interface AttestFlags {
  readonly provenance?: string;
  readonly sbom?: string;
  readonly attest: readonly string[];
}

/** At most one of each kind; what is given later wins. */
export function parseAttestations({ provenance, sbom, attest }: AttestFlags): Attestation[] {
  const asked = [
    ...attest.map((text) => ({ flag: '--attest', text })),
    ...(provenance === undefined ? [] : [{ flag: '--provenance', text: `type=provenance,${spelledOut(provenance)}` }]),
    ...(sbom === undefined ? [] : [{ flag: '--sbom', text: `type=sbom,${spelledOut(sbom)}` }]),
  ];
  const kinds = new Map<string, Attestation | undefined>();
  for (const { flag, text } of asked) {
    const [type, attestation] = parseAttestation(flag, text);
    kinds.set(type, attestation);
  }
  return [...kinds.values()].filter((one) => one !== undefined);
}

const spelledOut = (word: string) => (word === 'true' ? '' : word === 'false' ? 'disabled=true' : word);

function parseAttestation(flag: string, text: string): [Attestation['type'], Attestation | undefined] {
  const words = new Map(
    text
      .split(',')
      .filter(Boolean)
      .map((word) => splitKeyValue(word)),
  );
  const type = words.get('type');
  const isOff = words.get('disabled') === 'true';
  words.delete('type');
  words.delete('disabled');
  if (type === 'sbom') {
    refuseSbom(flag, words);
    return [type, isOff ? undefined : { type }];
  }
  if (type !== 'provenance') throw flagError(flag, text, 'want type=provenance or type=sbom');
  const mode = words.get('mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max') throw flagError(flag, text, 'want mode=min or mode=max');
  const wanted = words.get('version') ?? 'v1';
  if (wanted !== 'v1') throw flagError(flag, text, 'provenance is written as version=v1 only');
  for (const known of ['mode', 'version']) words.delete(known);
  const [left] = words.keys();
  if (left !== undefined) throw flagError(flag, text, `${left} is not known for type=provenance`);
  return [type, isOff ? undefined : { type, mode }];
}

function refuseSbom(flag: string, words: ReadonlyMap<string, string | undefined>): void {
  const [left] = words.keys();
  if (left === undefined) return;
  throw new CtrError('UNSUPPORTED', `${flag}: ${left}: no scanner is run`, {
    hint: '--sbom=true lists what the package databases of the image say',
  });
}
