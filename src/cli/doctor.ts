import { hostProbes, type ProbeReport, runProbes } from '../engine/host-probes.ts';
import type { CommandSpec } from './command.ts';
import { indentedJson } from './output/format.ts';

interface DoctorFlags {
  readonly json?: boolean;
}

export const command: CommandSpec<DoctorFlags> = {
  usage: '[options]',
  description:
    'Try what containers need on this host, and say what to do about each thing that does not work. Exits with 1 when\n' +
    'containers cannot start, and with 0 when they can, possibly in a lesser way.',
  examples: ['doctor', 'doctor --json'],
  operands: [0, 0],
  declare(command) {
    command.option('--json', 'print the results as JSON');
  },
  async run({ host, stdout }, _operands, { json }) {
    const reports = await runProbes(hostProbes(host));
    stdout.write(json ? indentedJson(reports) : doctorText(reports));
    return reports.some(({ status }) => status === 'failed') ? 1 : 0;
  },
};

const marks = { ok: 'ok      ', degraded: 'degraded', failed: 'FAILED  ' } as const;

/** One line per probe, a second one with the remedy where there is something to do, and the verdict. */
export function doctorText(reports: readonly ProbeReport[]): string {
  const lines = reports.flatMap(({ status, name, title, detail, remedy }) => [
    `${marks[status]}  ${name}: ${title} (${detail})`,
    ...(remedy === undefined ? [] : [`          → ${remedy}`]),
  ]);
  return [...lines, '', verdict(reports), ''].join('\n');
}

function verdict(reports: readonly ProbeReport[]): string {
  const named = (wanted: string) => reports.filter(({ status }) => status === wanted).map(({ name }) => name);
  const [bad, lesser] = [named('failed'), named('degraded')];
  if (bad.length > 0) return `Containers cannot start on this host: ${bad.join(', ')}.`;
  if (lesser.length > 0) return `Containers work, in a lesser way: ${lesser.join(', ')}.`;
  return 'Everything works.';
}
