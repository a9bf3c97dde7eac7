/**
 * Names of images: `[domain[:port]/]path[:tag][@digest]` with Docker's rules for short names (distribution's
 * reference grammar and normalisation: `alpine` is docker.io/library/alpine). Error texts are the field's.
 */
import { CtrError } from '../base/ctr-error.ts';
import { type Digest, isDigest } from './digest.ts';

export interface Reference {
  /** Registry host with port: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** Repository below the registry: `library/alpine`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export const defaultDomain = 'docker.io';

const maxNameLength = 255;
const domainComponent = '(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])';
const domainPattern = new RegExp(
  `^(?:${domainComponent}(?:\\.${domainComponent})*|\\[[A-Fa-f0-9:]+\\])(?::[0-9]{1,5})?$`,
);
const pathComponent = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Parse a name as a user writes it; a name without a registry gets `domain` (docker.io unless told). */
export function parseReference(text: string, domain: string = defaultDomain): Reference {
  if (text.length > 1024) throw invalid('repository name must not be more than 255 characters');
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw new CtrError('INVALID', `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { name, tag, digest } = splitSuffixes(text);
  const { domain: written, rest } = splitDomain(name);
  const host = written === 'index.docker.io' ? defaultDomain : (written ?? domain);
  const path = host === defaultDomain && !rest.includes('/') ? `library/${rest}` : rest;
  checkName(host, path);
  return { domain: host, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** Whether the user left the registry out, so that registries.conf decides where to look. */
export function isShortName(text: string): boolean {
  return splitDomain(splitSuffixes(text).name).domain === undefined;
}

/** The same reference with `latest` where neither tag nor digest is given. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** `docker.io/library/alpine`: without tag and digest. */
export function repositoryName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The full name with what tag and digest there is: `docker.io/library/alpine:3.20`. */
export function canonicalName(reference: Reference): string {
  return repositoryName(reference) + suffixes(reference);
}

/** The name as Docker shows it: `alpine:3.20`, `user/app`, `quay.io/x/y:1`. */
export function familiarName(reference: Reference): string {
  const { domain, path } = reference;
  if (domain !== defaultDomain) return canonicalName(reference);
  const short = /^library\/([^/]+)$/.exec(path)?.[1] ?? path;
  // docker.io/a.b/c must not become a.b/c, where a.b would be read as a registry.
  return splitDomain(short).domain === undefined ? short + suffixes(reference) : canonicalName(reference);
}

function suffixes({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

function splitSuffixes(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf('@');
  const [named, digest] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  if (digest !== undefined && !isDigest(digest)) throw invalid();
  const colon = named.lastIndexOf(':');
  const tag = colon > named.lastIndexOf('/') ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid();
  const name = tag === undefined ? named : named.slice(0, colon);
  return { name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The first component is a registry when it looks like a host: a dot, a port, `localhost`, or capital letters. */
function splitDomain(name: string): { domain?: string; rest: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  return isHost ? { domain: first, rest: name.slice(slash + 1) } : { rest: name };
}

function checkName(domain: string, path: string): void {
  if (!domainPattern.test(domain)) throw invalid();
  if (path !== path.toLowerCase() && pathPattern.test(path.toLowerCase())) {
    throw invalid(`repository name (${path}) must be lowercase`);
  }
  if (path.length > maxNameLength || domain.length > maxNameLength) {
    throw invalid('repository name must not be more than 255 characters');
  }
  if (!pathPattern.test(path)) throw invalid();
}

function invalid(reason?: string): CtrError {
  return new CtrError(
    'INVALID',
    reason === undefined ? 'invalid reference format' : `invalid reference format: ${reason}`,
  );
}
