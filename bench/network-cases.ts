/**
 * What goes through a published port: requests by wrk(1), bytes by iperf3(1) in both directions, from the host's loopback
 * and from another of its addresses. Both tools' containers are there all the time; one is asked, then the other.
 */
import { networkInterfaces } from 'node:os';
import type { Case, Rate, Things } from './cases.ts';
import type { Subject } from './measure.ts';

const seconds = 3;
const rounds = 5;

const requests: Rate = {
  unit: 'requests/s',
  of: (stdout) => Number(/^Requests\/sec:\s+([\d.]+)/m.exec(stdout)?.[1]),
};
const throughput: Rate = {
  unit: 'Gbit/s',
  of: (stdout) => JSON.parse(stdout).end.sum_received.bits_per_second / 1e9,
};

/** Default networks first: pasta against slirp4netns with rootlesskit's port driver. */
export function networkCases(things: Things): Case[] {
  return ['user-mode network', 'named network'].flatMap((network) =>
    addresses().flatMap(([from, address]) => casesOf(things, { network, from, address })),
  );
}

interface Way {
  readonly network: string;
  readonly from: string;
  readonly address: string;
}

function casesOf({ ctr, web }: Things, { network, from, address }: Way): Case[] {
  const tools = [
    { label: 'ctr', program: ctr, http: 18_080, iperf: 15_201 },
    { label: 'podman', program: 'podman', http: 18_081, iperf: 15_202 },
  ];
  const isNamed = network === 'named network';
  const subjects = (argvOf: (ports: { http: number; iperf: number }) => string[]): Subject[] =>
    tools.map(({ label, program, ...ports }) => ({
      label,
      prepare: ['sh', '-ec', start(program, web, isNamed, ports)],
      argv: argvOf(ports),
      finish: ['sh', '-ec', stop(program, isNamed)],
    }));
  const iperf = (port: number, ...more: string[]) => [
    ...['iperf3', '-c', address, '-p', String(port), '-t', String(seconds), '-J', ...more],
  ];
  const wrk = ['wrk', '-t', '1', '-c', '32', '-d', `${seconds}s`];
  return [
    {
      ...{ name: `requests from ${from} to -p, ${network}`, rounds, rate: requests },
      subjects: subjects(({ http }) => [...wrk, `http://${address}:${http}/`]),
    },
    {
      ...{ name: `bytes from ${from} to -p, ${network}`, rounds, rate: throughput },
      subjects: subjects((ports) => iperf(ports.iperf)),
    },
    {
      ...{ name: `bytes to ${from} from -p, ${network}`, rounds, rate: throughput },
      subjects: subjects((ports) => iperf(ports.iperf, '--reverse')),
    },
  ];
}

/** Also waits until both answer. */
function start(
  program: string,
  web: string,
  isNamed: boolean,
  { http, iperf }: { http: number; iperf: number },
): string {
  const flags = `--name bench ${isNamed ? '--network bench' : ''} -p ${http}:80 -p ${iperf}:5201`;
  return `
    ${isNamed ? `${program} network create bench` : ''}
    ${program} run -d ${flags} ${web} sh -c 'iperf3 -s -D; exec nginx -g "daemon off;"'
    curl -s -o /dev/null --retry 50 --retry-delay 1 --retry-all-errors http://127.0.0.1:${http}/
    for i in 1 2 3 4 5; do iperf3 -c 127.0.0.1 -p ${iperf} -n 1 && break; sleep 0.5; done`;
}

const stop = (program: string, isNamed: boolean): string =>
  `${program} rm -f -t 0 bench; ${isNamed ? `${program} network rm bench` : ''}`;

function addresses(): Array<readonly [string, string]> {
  const own = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  return [['loopback', '127.0.0.1'], ...(own ? [['the host’s address', own.address] as const] : [])];
}
