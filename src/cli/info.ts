import { hostReport } from '../engine/host-report.ts';
import type { CommandSpec } from './command.ts';
import { formatOne, indentedJson } from './output/format.ts';

interface InfoFlags {
  readonly format?: string;
}

export const command: CommandSpec<InfoFlags> = {
  usage: '[options]',
  description: 'Show this host and the store, in the structure of `podman info`. `doctor` tries what is shown here.',
  examples: ['info', "info --format '{{.Store.GraphDriverName}}'", 'info --format json'],
  operands: [0, 0],
  declare(command) {
    command.option('-f, --format <template>', 'json, or a Go template');
  },
  async run({ host, stdout, compat }, _operands, { format }) {
    if (compat === 'docker') {
      const { dockerReport } = await import('../engine/docker-report.ts');
      const report = dockerReport(host);
      stdout.write(formatOne('info', report, format, () => yaml(report).join('')));
      return 0;
    }
    const report = hostReport(host);
    const isJson = format?.trim() === 'json';
    stdout.write(
      isJson ? indentedJson(report) : formatOne('info', goNames(report), format, () => yaml(report).join('')),
    );
    return 0;
  },
};

/** Templates name fields as Go does: `.Host.CgroupVersion` for `cgroupVersion`; both spellings work. */
function goNames(value: object): object {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
      const isPlain = typeof member === 'object' && member !== null && !Array.isArray(member);
      const renamed: unknown = isPlain ? goNames(member) : member;
      return [
        [name, renamed],
        [name.charAt(0).toUpperCase() + name.slice(1), renamed],
      ];
    }),
  );
}

/** As `podman info` prints it: YAML, of which plain members and lists are enough here. */
function yaml(value: object, indent = ''): string[] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    if (Array.isArray(member))
      return [`${indent}${name}:${member.length === 0 ? ' []' : ''}\n`, ...yamlList(member, indent)];
    if (typeof member === 'object' && member !== null) return [`${indent}${name}:\n`, ...yaml(member, `${indent}  `)];
    return [`${indent}${name}: ${scalar(member)}\n`];
  });
}

function yamlList(list: readonly unknown[], indent: string): string[] {
  return list.map((item) => {
    if (typeof item !== 'object' || item === null) return `${indent}- ${scalar(item)}\n`;
    const [first = '', ...rest] = yaml(item, `${indent}  `);
    return `${indent}- ${first.trimStart()}${rest.join('')}`;
  });
}

/** JSON's quotes are YAML's as well; they are needed where YAML would read something else than this text. */
function scalar(value: unknown): string {
  const isPlainText =
    typeof value === 'string' &&
    /^[A-Za-z/][\w./ +()-]*$/.test(value) &&
    !/^(true|false|null|yes|no|on|off)$/i.test(value);
  return isPlainText ? value : JSON.stringify(value);
}
