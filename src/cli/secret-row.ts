import type { SecretRecord } from '../storage/secret-store.ts';

/** A secret as Podman's `secret inspect` has it, without what it keeps. */
export function secretRow({ id, name, labels, createdAt, updatedAt }: SecretRecord) {
  return {
    ID: id,
    CreatedAt: createdAt,
    UpdatedAt: updatedAt,
    Spec: { Name: name, Driver: { Name: 'file', Options: {} }, Labels: labels },
  };
}
