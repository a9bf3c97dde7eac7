/** Texts of the files that ctr puts into a container: /etc/hosts, resolv.conf, hostname, /run/.containerenv. */

export interface HostsRequest {
  /** The host's /etc/hosts: its entries are kept, as Podman does. */
  readonly base: string;
  /** `name:address`; several names are separated by `;`. Their address may be `host-gateway`. */
  readonly addHosts: readonly string[];
  readonly hostname: string;
  readonly name?: string | undefined;
  /** The container's own address; absent with the host's network and with none. */
  readonly ownAddress?: string | undefined;
  /** Where the host is reached from inside: host.containers.internal. */
  readonly hostAddress?: string | undefined;
}

/** Whether some name is to mean the host: that lets the container reach the host's loopback, and nothing else does. */
export const hostGatewayWanted = (addHosts: readonly string[]): boolean =>
  addHosts.some((entry) => entry.endsWith(':host-gateway'));

/** hosts(5). The user's entries come first: the first match wins. */
export function hostsText(request: HostsRequest): string {
  const { base, addHosts, hostname, name, ownAddress, hostAddress } = request;
  const added = addHosts.flatMap((entry) => {
    const colon = entry.indexOf(':');
    const word = entry.slice(colon + 1);
    const address = word === 'host-gateway' ? hostAddress : word;
    return address === undefined ? [] : [`${address}\t${entry.slice(0, colon).replaceAll(';', ' ')}`];
  });
  const kept = base
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/).join('\t'))
    .filter((line) => line !== '');
  const lines = [...added, ...kept];
  if (!lines.some((line) => line.split('\t').includes('localhost')))
    lines.push('127.0.0.1\tlocalhost', '::1\tlocalhost');
  const own = [hostname, ...(name === undefined || name === hostname ? [] : [name])];
  lines.push(`${ownAddress ?? '127.0.0.1'}\t${own.join(' ')}`);
  if (hostAddress !== undefined) lines.push(`${hostAddress}\thost.containers.internal host.docker.internal`);
  return `${lines.join('\n')}\n`;
}

export interface ResolvRequest {
  /** The host's /etc/resolv.conf. */
  readonly base: string;
  readonly dns: readonly string[];
  /** `.` alone: no search domains. */
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** The container has its own loopback: the host's name server at 127.0.0.53 is not there. */
  readonly ownLoopback: boolean;
  /** Name servers that the network itself offers (pasta's and slirp4netns' forwarders); they come first. */
  readonly networkServers: readonly string[];
  /** The domain in which the network's own names are; only its servers know them, so that the host's are left out. */
  readonly networkDomains?: readonly string[];
}

/** resolv.conf(5). Each flag replaces what the host's file says about the same thing. */
export function resolvText(request: ResolvRequest): string {
  const lines = request.base.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  );
  const hostWords = (keyword: string) => lines.filter(([first]) => first === keyword).map(([, ...words]) => words);
  const fromHost = hostWords('nameserver')
    .flat()
    .filter((server) => !(request.ownLoopback && isLoopback(server)));
  const { networkServers, networkDomains = [] } = request;
  const isNamed = networkDomains.length > 0;
  const usual = request.dns.length > 0 ? request.dns : [...new Set([...networkServers, ...fromHost])];
  const servers = isNamed ? networkServers : usual;
  const given = request.dnsSearch.length > 0 ? request.dnsSearch : (hostWords('search').at(-1) ?? []);
  const search = [...networkDomains, ...given];
  const options = request.dnsOptions.length > 0 ? request.dnsOptions : hostWords('options').flat();
  const domains = search.includes('.') ? [] : search;
  return [
    ...(domains.length > 0 ? [`search ${domains.join(' ')}\n`] : []),
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(options.length > 0 ? [`options ${options.join(' ')}\n`] : []),
  ].join('');
}

const isLoopback = (server: string) => server.startsWith('127.') || server === '::1';

export const hostnameText = (hostname: string) => `${hostname}\n`;

/**
 * apt-get(8) becomes the user _apt for downloads and then asks who it is: with a single id there is no other user, and
 * what the kernel answers to getuid(2) cannot be changed by a seccomp filter. So it is told to stay root.
 */
export const aptConfText =
  '// Only one id is mapped into this container: there is no user _apt to become.\nAPT::Sandbox::User "root";\n';

/** apt.conf(5); later names win. */
export const aptConfPath = '/etc/apt/apt.conf.d/99ctr-single-id';

export interface ContainerEnvRequest {
  readonly version: string;
  readonly privileged: boolean;
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
}

/** Podman's marker file: empty, but for privileged containers, where tools such as toolbox read it. */
export function containerEnvText(request: ContainerEnvRequest): string {
  if (!request.privileged) return '';
  const { version, name, id, image, imageId } = request;
  const values = { engine: `ctr-${version}`, name, id, image, imageid: imageId };
  const lines = Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}\n`);
  return `${lines.join('')}rootless=1\n`;
}
