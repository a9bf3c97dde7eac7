/**
 * The little of etcd that finds the machines of an overlay network: its v3 API as JSON over HTTP (etcd "Why gRPC
 * gateway"; /v3/kv/…, keys and values in base64). Values are sealed with a key of the network's own: who can write
 * to etcd can delete and repeat them, but neither read nor make one.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CtrError } from '../base/ctr-error.ts';
import { array, boolean, type Check, object, optional, parseJson, string } from '../oci/check.ts';
import { derive, type OverlaySecret } from './overlay-keys.ts';

const timeoutMs = 3_000;

export class EtcdDirectory {
  readonly #url: string;
  readonly #prefix: string;
  readonly #key: Buffer;

  constructor(url: string, secret: OverlaySecret) {
    this.#url = url.replace(/\/$/, '');
    this.#prefix = `/ctr/overlay/${derive(secret, ['etcd', 'prefix'], 8).toString('hex')}/`;
    this.#key = derive(secret, ['etcd', 'seal'], 32);
  }

  /** The entries below `folder` that are authentic: name (what follows it) and text. */
  async list(folder: string): Promise<Array<{ readonly name: string; readonly text: string }>> {
    const from = `${this.#prefix}${folder}/`;
    // The first key behind all that begin so.
    const { kvs = [] } = await this.#call('kv/range', { key: encode(from), range_end: encode(`${from}\xff`) }, range);
    return kvs.flatMap(({ key, value = '' }) => {
      const name = decode(key).slice(from.length);
      const text = this.#unseal(`${folder}/${name}`, value);
      return text === undefined ? [] : [{ name, text }];
    });
  }

  /** It is gone after `seconds` unless it is put again. */
  async put(path: string, text: string, seconds: number): Promise<void> {
    const { ID: lease } = await this.#call('lease/grant', { TTL: seconds, ID: 0 }, granted);
    await this.#call('kv/put', { key: encode(this.#prefix + path), value: this.#seal(path, text), lease }, nothing);
  }

  /** Put it unless it is there; returns whether that was so. */
  async claim(path: string, text: string): Promise<boolean> {
    const key = encode(this.#prefix + path);
    const { succeeded } = await this.#call(
      'kv/txn',
      {
        compare: [{ key, target: 'CREATE', result: 'EQUAL', create_revision: '0' }],
        success: [{ request_put: { key, value: this.#seal(path, text) } }],
      },
      outcome,
    );
    return succeeded === true;
  }

  async remove(path: string): Promise<void> {
    await this.#call('kv/deleterange', { key: encode(this.#prefix + path) }, nothing);
  }

  /** AES-256-GCM: nonce, tag and text; the path is authenticated with it. */
  #seal(path: string, text: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(path));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  #unseal(path: string, value: string): string | undefined {
    const bytes = Buffer.from(value, 'base64');
    const [nonce, tag] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes, nonceBytes + tagBytes)];
    try {
      const cipher = createDecipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(path)).setAuthTag(tag);
      return Buffer.concat([cipher.update(bytes.subarray(nonceBytes + tagBytes)), cipher.final()]).toString('utf8');
    } catch {
      return undefined; // Of another secret, or not of us.
    }
  }

  async #call<T>(method: string, body: object, check: Check<T>): Promise<T> {
    const url = `${this.#url}/v3/${method}`;
    let text: string;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), signal });
      text = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    } catch (cause) {
      throw new CtrError('NETWORK', `etcd at ${this.#url} does not answer`, {
        cause,
        hint: 'it has to serve API v3 over HTTP at this URL: --opt etcd=http://HOST:2379',
      });
    }
    return parseJson(text, url, check);
  }
}

/** The URL as it is kept and shown; INVALID for another kind, and for one with a password in it. */
export function parseEtcdUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url && isPlain && /^https?:$/.test(url.protocol)) return url.href;
  throw new CtrError('INVALID', '--opt etcd= wants a URL like http://HOST:2379, without user and password');
}

const [nonceBytes, tagBytes] = [12, 16];
const encode = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const decode = (text: string) => Buffer.from(text, 'base64').toString('latin1');

const range = object({ kvs: optional(array(object({ key: string, value: optional(string) }))) });
const granted = object({ ID: string });
const outcome = object({ succeeded: optional(boolean) });
const nothing = object({});
