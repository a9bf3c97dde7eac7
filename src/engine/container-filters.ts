/** The filters of `ctr ps` (podman-ps(1) "--filter", docs.docker.com "docker ps"): one predicate for each key. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { hexOf } from '../oci/digest.ts';
import { canonicalName, familiarName, parseReference, repositoryName } from '../oci/reference.ts';
import { resolveContainer } from '../storage/container-store.ts';
import { findImage } from '../storage/image-store.ts';
import { type ContainerEntry, createdMs } from './container-list.ts';
import { isRunning } from './container-status.ts';
import type { PortRequest } from './run-request.ts';

export type EntryTest = (entry: ContainerEntry) => boolean;
/** Makes the test for one value of a filter, and refuses a value that means nothing. */
type FilterKind = (value: string, host: Host) => EntryTest;

const statusWords = ['created', 'running', 'paused', 'stopping', 'exited', 'stopped', 'restarting', 'dead', 'removing'];

const kinds: Readonly<Record<string, FilterKind>> = {
  id: (value) => byPattern(value, ({ container }) => container.id, '^'),
  name: (value) => byPattern(value, ({ container }) => container.name),
  label: (value) => hasLabel(value),
  'label!': (value) => not(hasLabel(value)),
  exited: (value) => {
    const code = wholeNumber('exited', value);
    return ({ status }) => status.name === 'exited' && status.exitCode === code;
  },
  status: (value) => {
    const wanted = oneOf('status', value, statusWords);
    return ({ status }) => status.name === (wanted === 'stopped' ? 'exited' : wanted);
  },
  ancestor: (value, host) => byAncestor(value, host),
  before: (value, host) => {
    const limit = Date.parse(resolveContainer(host, value).createdAt);
    return (entry) => createdMs(entry) < limit;
  },
  since: (value, host) => {
    const limit = Date.parse(resolveContainer(host, value).createdAt);
    return (entry) => createdMs(entry) > limit;
  },
  until: (value) => {
    const limit = Number(value);
    return (entry) => createdMs(entry) < limit;
  },
  volume: (value) => {
    const target = value.replace(/(.)\/+$/, '$1');
    return ({ request }) => request.mounts.some((mount) => mount.source === value || mount.target === target);
  },
  network: (value) => (entry) => networkNames(entry).includes(value),
  health: (value) => {
    const wanted = oneOf('health', value, ['starting', 'healthy', 'unhealthy', 'none']);
    return (entry) => (isRunning(entry.status) ? entry.health?.Status : undefined) === orAbsent(wanted);
  },
  publish: (value) => byPort(value, (port) => port.hostPort),
  expose: (value) => byPort(value, (port) => port.containerPort),
  'restart-policy': (value) => {
    const wanted = oneOf('restart-policy', value, ['no', 'on-failure', 'always', 'unless-stopped']);
    return ({ request }) => request.restart.name === wanted;
  },
  command: (value) => {
    return ({ container }) => container.command[0] === value;
  },
};

export const filterKeys: readonly string[] = Object.keys(kinds);

/** Filters of different keys must all hold; of one key one must, but of labels all. */
export function containerFilter(host: Host, filters: ReadonlyMap<string, readonly string[]>): EntryTest {
  const tests = [...filters].map(([key, values]): EntryTest => {
    const each = values.map((value) => kinds[key]?.(value, host) ?? (() => false));
    if (key.startsWith('label')) return (entry) => each.every((test) => test(entry));
    return (entry) => each.some((test) => test(entry));
  });
  return (entry) => tests.every((test) => test(entry));
}

/** What `ps` shows as NETWORKS and `--filter network` compares. */
export function networkNames({ request: { network } }: Pick<ContainerEntry, 'request'>): string[] {
  return network.mode === 'bridge' ? network.networks.map(({ name }) => name) : [network.mode];
}

const not =
  (test: EntryTest): EntryTest =>
  (entry) =>
    !test(entry);

const orAbsent = (word: string) => (word === 'none' ? undefined : word);

/** A regular expression, as both tools take it for names. */
function byPattern(value: string, text: (entry: ContainerEntry) => string, before = ''): EntryTest {
  try {
    const pattern = new RegExp(before + value);
    return (entry) => pattern.test(text(entry));
  } catch (cause) {
    throw new CtrError('USAGE', `invalid filter: ${JSON.stringify(value)} is no regular expression`, { cause });
  }
}

function hasLabel(wanted: string): EntryTest {
  const [key = '', ...value] = wanted.split('=');
  return ({ container: { labels } }) =>
    Object.hasOwn(labels, key) && (value.length === 0 || labels[key] === value.join('='));
}

function wholeNumber(key: string, value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  throw new CtrError('USAGE', `invalid filter "${key}=${value}": want a whole number`);
}

function oneOf(key: string, value: string, words: readonly string[]): string {
  if (words.includes(value)) return value;
  throw new CtrError('USAGE', `invalid filter "${key}=${value}": want one of ${words.join(', ')}`);
}

/** An image that is here is compared by its ID and its layers, so that images built on it count; else by name. */
function byAncestor(value: string, host: Host): EntryTest {
  const image = findImage(host, value)?.image;
  if (image) {
    return ({ container }) =>
      container.imageId === image.id ||
      (image.diffIds.length > 0 && image.diffIds.every((diffId, index) => container.diffIds[index] === diffId));
  }
  return ({ container: { imageId, imageName } }) =>
    (imageId !== undefined && value.length >= 4 && hexOf(imageId).startsWith(value)) ||
    (imageName !== undefined && namesOf(imageName).includes(value));
}

function namesOf(imageName: string): string[] {
  if (!/[/:]/.test(imageName)) return [imageName];
  try {
    const reference = parseReference(imageName);
    const { domain, path } = reference;
    const short = path.slice(path.lastIndexOf('/') + 1);
    return [canonicalName(reference), familiarName(reference), repositoryName(reference)].concat(
      familiarName({ domain, path }),
      short,
    );
  } catch {
    return [imageName]; // A container of a bare image ID has that as its name.
  }
}

/** `8080`, `8000-8010`, `53/udp`. */
function byPort(value: string, number: (port: PortRequest) => number): EntryTest {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  if (!match) throw new CtrError('USAGE', `invalid filter: want PORT[-PORT][/PROTOCOL], got "${value}"`);
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  const fits = (port: PortRequest) =>
    number(port) >= first && number(port) <= last && (match[3] === undefined || match[3] === port.protocol);
  return ({ request }) => request.publish.some(fits);
}
