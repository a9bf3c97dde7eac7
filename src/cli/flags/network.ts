/** --network, --dns*, --add-host, --publish. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { NetworkAttachment, NetworkRequest, PortRequest } from '../../engine/run-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { isIpAddress } from './ip-address.ts';
import { namePattern } from './mount-target.ts';
import { type AddressOptions, addressWords, checkWord } from './network-addresses.ts';
import { checkExposed, parsePublish } from './ports.ts';

export interface NetworkOptions extends AddressOptions {
  readonly network: readonly string[];
  readonly networkAlias: readonly string[];
  readonly expose: readonly string[];
  readonly hostsFile?: string;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOption: readonly string[];
  readonly addHost: readonly string[];
  readonly hosts: boolean;
  readonly publish: readonly string[];
  readonly publishAll?: boolean;
}

export interface Networking {
  readonly network: NetworkRequest;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly addHosts: readonly string[];
  readonly noHosts: boolean;
  readonly publish: readonly PortRequest[];
  readonly publishAll: boolean;
  readonly expose?: readonly string[];
  readonly hostsFile?: string;
  readonly notices: readonly string[];
}

export function addNetworkFlags(command: FlagSet): void {
  command
    .optionsGroup('Network:')
    .option(
      '--net, --network <mode>',
      'none, host, private, pasta, slirp4netns, container:ID, ns:PATH, or a name',
      collect,
      [],
    )
    .option('--network-alias <name>', 'another name for the container on its networks', collect, [])
    .option('--ip <address>', 'its IPv4 address on a named network')
    .option('--ip6 <address>', 'its IPv6 address on a named network')
    .option('--mac-address <address>', 'the hardware address of its interface on a named network')
    .option('--dns <address>', 'a name server; "none" leaves resolv.conf as it is in the image', collect, [])
    .option('--dns-search <domain>', 'a search domain; "." for none', collect, [])
    .option('--dns-opt, --dns-option <option>', 'an option of resolv.conf', collect, [])
    .option('--add-host <name:address>', 'a line of /etc/hosts; the address may be host-gateway', collect, [])
    .option('--no-hosts', 'leave /etc/hosts as it is in the image')
    .option('--hosts-file <file>', 'what /etc/hosts begins with: a file, "none", or "image"')
    .option('--expose <port>', 'a port or range for --publish-all', collect, [])
    .option(
      '-p, --publish <[[ip:][port]:]port[/protocol]>',
      'make a port or range reachable from the host',
      collect,
      [],
    )
    .option('-P, --publish-all', 'publish the ports that the image exposes on free ports of the host');
}

export function parseNetworking(options: NetworkOptions): Networking {
  const network = withAddresses(parseNetwork(options.network), options);
  const publish = options.publish.flatMap(parsePublish);
  const publishing = publish.length > 0 || options.publishAll === true;
  const foreign = network.mode === 'none' || network.mode === 'container';
  if (foreign && options.dns.length + options.dnsOption.length + options.dnsSearch.length > 0) {
    throw new CtrError(
      'USAGE',
      `--dns, --dns-option and --dns-search cannot be combined with --network ${network.mode}`,
    );
  }
  if (!options.hosts && options.addHost.length > 0) {
    throw new CtrError('USAGE', '--no-hosts and --add-host cannot be combined');
  }
  if (publishing && (network.mode === 'container' || network.mode === 'ns')) {
    throw new CtrError('USAGE', `--publish cannot be combined with --network ${network.mode}: it has ports of its own`);
  }
  const portless = publishing && (network.mode === 'host' || network.mode === 'none');
  return {
    network,
    dns: options.dns.map(checkDns),
    dnsSearch: options.dnsSearch,
    dnsOptions: options.dnsOption,
    addHosts: options.addHost.map(checkHostEntry),
    noHosts: !options.hosts,
    publish: portless ? [] : publish,
    publishAll: !portless && options.publishAll === true,
    ...(options.expose.length > 0 ? { expose: options.expose.flatMap(checkExposed) } : {}),
    ...(options.hostsFile === undefined ? {} : { hostsFile: hostsFile(options.hostsFile) }),
    notices: portless ? [`--publish has no effect with --network ${network.mode}`] : [],
  };
}

/** The last mode wins, as in Podman; named networks add up. */
export function parseNetwork(words: readonly string[]): NetworkRequest {
  const parsed = words.map(parseNetworkWord);
  const last = parsed.at(-1) ?? { mode: 'default' };
  if (last.mode !== 'bridge') return last;
  return { mode: 'bridge', networks: parsed.flatMap((one) => (one.mode === 'bridge' ? one.networks : [])) };
}

function parseNetworkWord(word: string): NetworkRequest {
  const colon = word.indexOf(':');
  const name = colon === -1 ? word : word.slice(0, colon);
  const rest = colon === -1 ? '' : word.slice(colon + 1);
  const options = rest === '' ? [] : rest.split(',');
  switch (name) {
    case 'default':
    case 'none':
    case 'host':
    case 'private':
      if (colon !== -1) throw flagError('--network', word, `${name} takes no options`);
      return { mode: name };
    case 'pasta':
    case 'slirp4netns':
      return { mode: name, options };
    case 'container':
      if (rest === '') throw flagError('--network', word, 'want container:NAME or container:ID');
      return { mode: 'container', container: rest };
    case 'ns':
      if (!rest.startsWith('/')) throw flagError('--network', word, 'want ns: and an absolute path');
      return { mode: 'ns', path: rest };
    default:
      return { mode: 'bridge', networks: [attachment(word, name, options)] };
  }
}

function attachment(word: string, name: string, options: readonly string[]): NetworkAttachment {
  if (!namePattern.test(name)) throw flagError('--network', word, 'want a mode or the name of a network');
  return { name, options: options.map((one) => checkWord('--network', one)) };
}

/** --ip and its like belong to the one network that there is; --network-alias to all. */
function withAddresses(network: NetworkRequest, options: NetworkOptions): NetworkRequest {
  const own = addressWords(options);
  const aliases = options.networkAlias.map((alias) => checkWord('--network-alias', `alias=${alias}`));
  if (own.length + aliases.length === 0) return network;
  if (network.mode !== 'bridge') {
    throw new CtrError('USAGE', '--ip, --ip6, --mac-address and --network-alias need a named network', {
      hint: 'add --network NAME; `ctr network create NAME` makes one',
    });
  }
  if (own.length > 0 && network.networks.length > 1) {
    throw new CtrError('USAGE', '--ip, --ip6 and --mac-address can only be set for a single network', {
      hint: 'write --network NAME:ip=…,mac=… for each',
    });
  }
  const networks = network.networks.map((one) => ({ ...one, options: [...one.options, ...own, ...aliases] }));
  return { mode: 'bridge', networks };
}

function hostsFile(word: string): string {
  if (word === 'none' || word === 'image') return word;
  if (!existsSync(word)) throw flagError('--hosts-file', word, 'want a file, "none" or "image"');
  return resolve(word);
}

function checkDns(word: string, _at: number, all: readonly string[]): string {
  if (word === 'none' && all.length === 1) return word;
  if (!isIpAddress(word.replace(/%[\w.-]+$/, '')))
    throw flagError('--dns', word, 'want an IP address, or "none" alone');
  return word;
}

function checkHostEntry(word: string): string {
  const colon = word.indexOf(':');
  const [names, address] = [word.slice(0, colon), word.slice(colon + 1).replace(/^\[(.*)\]$/, '$1')];
  const named = colon > 0 && names.split(';').every((name) => /^[^\s#:]+$/.test(name));
  if (!named || !(address === 'host-gateway' || isIpAddress(address))) {
    throw flagError('--add-host', word, 'want NAME:ADDRESS, the address being an IP address or host-gateway');
  }
  return `${names}:${address}`;
}
