/** Which ports of the host a new container gets: what `-P` adds, and a number for each that was left open. */
import { reservePorts } from '../net/host-ports.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import type { PortRequest, RunRequest } from './run-request.ts';

/** Numbers that were given are left for the start to try; those that are chosen stay the container's. */
export async function choosePorts(request: RunRequest, defaults: ContainerDefaults): Promise<PortRequest[]> {
  const { publish, publishAll } = request;
  const wanted = publishAll ? [...publish, ...exposedPorts(request, defaults)] : publish;
  const chosen = await reservePorts(wanted.filter(({ hostPort }) => hostPort === 0));
  const next = chosen.values();
  return wanted.map((port) => (port.hostPort === 0 ? (next.next().value ?? port) : port));
}

/** What the image and --expose name, and --publish does not yet. */
function exposedPorts({ publish, expose = [] }: RunRequest, { ExposedPorts = {} }: ContainerDefaults): PortRequest[] {
  const names = new Set([...Object.keys(ExposedPorts), ...expose].flatMap(portsNamed));
  for (const { containerPort, protocol } of publish) names.delete(`${containerPort}/${protocol}`);
  return [...names].flatMap((name): PortRequest[] => {
    const [port, word] = name.split('/');
    const protocol = (['tcp', 'udp', 'sctp'] as const).find((one) => one === word);
    return protocol === undefined ? [] : [{ hostPort: 0, containerPort: Number(port), protocol }];
  });
}

/** `80`, `80/tcp`, `8000-8002/udp` (image-spec config.md "ExposedPorts"). */
function portsNamed(text: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?$/.exec(text);
  if (match === null) return [];
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from(
    { length: Math.max(0, Math.min(last, 65_535) - first + 1) },
    (_, at) => `${first + at}/${protocol}`,
  );
}

/** For `run`: a port that is taken is refused before an image is fetched or a container made. */
export async function refuseTakenPorts({ publish, replace }: RunRequest): Promise<void> {
  if (publish.length > 0 && !replace) await reservePorts(publish);
}
