/** NetworkSettings of `inspect`: published ports, and addresses where the container has some of its own. */
import type { Host } from '../base/host.ts';
import { subnetOf } from '../base/ip-network.ts';
import { readMembers } from '../storage/network-members.ts';
import { readNetwork } from '../storage/network-store.ts';
import type { ContainerEntry } from './container-list.ts';
import { hostIpOf } from './container-ports.ts';
import { isRunning } from './container-status.ts';
import type { PortRequest } from './run-request.ts';

export function networkSettingsOf(host: Host, { request, status, container }: ContainerEntry): object {
  const pid = isRunning(status) ? status.pid : 0;
  const { network } = request;
  const names = network.mode === 'bridge' ? network.networks.map(({ name }) => name) : [];
  const endpoints = names.map((name) => [name, endpointOf(host, name, pid === 0 ? '' : container.id)] as const);
  const first = endpoints[0]?.[1];
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: pid === 0 ? '' : `/proc/${pid}/ns/net`,
    EndpointID: '',
    Gateway: first?.Gateway ?? '',
    GlobalIPv6Address: first?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: first?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: first?.IPAddress ?? '',
    IPPrefixLen: first?.IPPrefixLen ?? 0,
    IPv6Gateway: first?.IPv6Gateway ?? '',
    MacAddress: first?.MacAddress ?? '',
    Ports: portBindings(request.publish),
    Networks: Object.fromEntries(endpoints),
  };
}

/** A container's place in one network; without addresses while it does not run. */
function endpointOf(host: Host, name: string, containerId: string) {
  const network = readNetwork(host, name);
  const member = network && readMembers(host, network).members.find((one) => one.containerId === containerId);
  const of = (version: 4 | 6) => {
    const subnet = network?.subnets.find((one) => one.subnet.includes(':') === (version === 6));
    const address = member?.addresses.find((one) => one.includes(':') === (version === 6));
    if (address === undefined || !subnet) return { address: '', prefix: 0, gateway: '' };
    return { address, prefix: subnetOf(subnet.subnet).prefix, gateway: subnet.gateway ?? '' };
  };
  const [four, six] = [of(4), of(6)];
  return {
    NetworkID: network?.id ?? name,
    EndpointID: '',
    Gateway: four.gateway,
    IPAddress: four.address,
    IPPrefixLen: four.prefix,
    IPv6Gateway: six.gateway,
    GlobalIPv6Address: six.address,
    GlobalIPv6PrefixLen: six.prefix,
    MacAddress: member?.mac ?? '',
    Aliases: member?.aliases ?? [],
    DriverOpts: null,
    IPAMConfig: null,
    Links: null,
  };
}

/** `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}` */
export function portBindings(ports: readonly PortRequest[]): Record<string, object[]> {
  const groups = Map.groupBy(ports, ({ containerPort, protocol }) => `${containerPort}/${protocol}`);
  return Object.fromEntries(
    [...groups].map(([key, group]) => [
      key,
      group.map((port) => ({ HostIp: hostIpOf(port), HostPort: String(port.hostPort) })),
    ]),
  );
}
