/** NetworkSettings of `inspect`: published ports, and addresses where the container has some of its own. */
import type { ContainerEntry } from './container-list.ts';
import { hostIpOf } from './container-ports.ts';
import { isRunning } from './container-status.ts';
import type { PortRequest } from './run-request.ts';

export function networkSettingsOf({ request, status, container }: ContainerEntry): object {
  const pid = isRunning(status) ? status.pid : 0;
  const { network } = request;
  const names = network.mode === 'bridge' ? network.networks.map(({ name }) => name) : [];
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: pid === 0 ? '' : `/proc/${pid}/ns/net`,
    EndpointID: '',
    Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    MacAddress: '',
    Ports: portBindings(request.publish),
    Networks: Object.fromEntries(
      names.map((name) => [name, { NetworkID: name, Aliases: [container.id.slice(0, 12)], IPAddress: '' }]),
    ),
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
