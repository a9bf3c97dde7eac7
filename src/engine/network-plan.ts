/** What the start of a container has to know of its network: found out before anything is made. */
export interface ContainerNetwork {
  readonly mode: 'none' | 'host' | 'pasta' | 'slirp4netns' | 'shared' | 'bridge';
  /** Name servers that the connector offers; they come first in resolv.conf. */
  readonly nameservers: readonly string[];
  /** Where names of other containers are; only `nameservers` know them. */
  readonly searchDomains?: readonly string[];
  /** How the container reaches the host's loopback: host.containers.internal. Absent: not at all. */
  readonly hostAddress?: string | undefined;
  /** The user namespace that owns the networks: the container has to be in it. */
  readonly userNamespace?: string;
  /** Descriptors that tell the networks' holder that it is needed. */
  readonly lifelines?: readonly number[];
  /** The connector needs the namespaces only, not their id maps: it starts while those are written. */
  readonly connectsEarly?: true;
  /** Start the connector for the network namespace of `pid`; undefined when nothing has to run. */
  readonly connect: ((pid: number, containerId: string) => Promise<void>) | undefined;
}
