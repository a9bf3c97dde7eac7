/** Networks in the shapes of `docker network inspect` and `podman network inspect`. */
import type { Host } from '../base/host.ts';
import { parseSubnet } from '../base/ip-network.ts';
import type { NetworkMember } from '../storage/network-members.ts';
import type { NetworkRecord } from '../storage/network-store.ts';
import { runningMembers } from './bridge-network.ts';
import type { InspectStyle } from './image-inspect.ts';

export function inspectNetwork(host: Host, network: NetworkRecord, style: InspectStyle): object {
  const members = runningMembers(host, network);
  return style === 'docker' ? dockerShape(network, members) : podmanShape(network, members);
}

/** With the prefix of the subnet that an address is in. */
function withPrefix({ subnets }: NetworkRecord, address: string | undefined): string {
  if (address === undefined) return '';
  const isSix = address.includes(':');
  const subnet = subnets.map((one) => parseSubnet(one.subnet)).find((net) => (net?.version === 6) === isSix);
  return `${address}/${subnet?.prefix ?? (isSix ? 128 : 32)}`;
}

const addressOf = ({ addresses }: NetworkMember, version: 4 | 6) =>
  addresses.find((address) => address.includes(':') === (version === 6));

/** The other machines of an overlay. */
const peersShape = ({ overlay }: NetworkRecord) =>
  overlay?.peers.map((Name) => ({ Name, IP: Name.replace(/:\d+$/, '') }));

function dockerShape(network: NetworkRecord, members: readonly NetworkMember[]): object {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: network.ipv6_enabled,
    IPAM: {
      Driver: 'default',
      Options: {},
      Config: network.subnets.map(({ subnet, gateway }) => ({
        Subnet: subnet,
        ...(gateway === undefined ? {} : { Gateway: gateway }),
      })),
    },
    Internal: network.internal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      members.map((member) => [
        member.containerId,
        {
          Name: member.containerName,
          EndpointID: '',
          MacAddress: member.mac,
          IPv4Address: withPrefix(network, addressOf(member, 4)),
          IPv6Address: withPrefix(network, addressOf(member, 6)),
        },
      ]),
    ),
    Options: network.options,
    ...(network.overlay ? { Peers: peersShape(network) } : {}),
    Labels: network.labels,
  };
}

function podmanShape(network: NetworkRecord, members: readonly NetworkMember[]): object {
  const { labels, options, ...rest } = network;
  return {
    ...rest,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(options).length > 0 ? { options } : {}),
    containers: Object.fromEntries(
      members.map((member) => [
        member.containerId,
        {
          name: member.containerName,
          interfaces: {
            [member.interfaceName]: {
              subnets: member.addresses.map((address) => ({
                ipnet: withPrefix(network, address),
                gateway: network.subnets.find(({ subnet }) => subnet.includes(':') === address.includes(':'))?.gateway,
              })),
              mac_address: member.mac,
            },
          },
        },
      ]),
    ),
  };
}
