/** Images: fetched, listed, named, sent away. */
import { flagsFrom } from './arguments.ts';
import { type InvokeOptions, invokeForText } from './invoke.ts';

export interface RegistryOptions extends InvokeOptions {
  /** `os/arch[/variant]`. */
  readonly platform?: string;
  readonly tlsVerify?: boolean;
  readonly authfile?: string;
}

/** Returns the image's ID. */
export async function pull(name: string, { platform, tlsVerify, authfile, ...invoking }: RegistryOptions = {}) {
  return invokeForText(['pull', '--quiet', ...flagsFrom({ platform, tlsVerify, authfile }), name], invoking);
}

/** Send `image` to a registry, under its own name or `target`. */
export async function push(
  image: string,
  { target, tlsVerify, authfile, ...invoking }: Omit<RegistryOptions, 'platform'> & { readonly target?: string } = {},
): Promise<void> {
  const words = target === undefined ? [image] : [image, target];
  await invokeForText(['push', '--quiet', ...flagsFrom({ tlsVerify, authfile }), ...words], invoking);
}

/** Podman's field names. */
export interface ImageSummary {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  /** Bytes. */
  readonly Size: number;
  readonly Digest: string;
  readonly CreatedAt: string;
}

export async function images(invoking: InvokeOptions = {}): Promise<ImageSummary[]> {
  return JSON.parse(await invokeForText(['images', '--format=json'], invoking)) as ImageSummary[];
}

export async function tag(image: string, name: string, invoking: InvokeOptions = {}): Promise<void> {
  await invokeForText(['tag', image, name], invoking);
}

export async function removeImage(
  image: string,
  { force, ...invoking }: InvokeOptions & { readonly force?: boolean } = {},
): Promise<void> {
  await invokeForText(['rmi', ...flagsFrom({ force }), image], invoking);
}
