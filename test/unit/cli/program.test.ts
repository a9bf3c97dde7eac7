import { describe, expect, it } from 'vitest';
import { readInvocation } from '../../../src/cli/command.ts';
import { findCommand } from '../../../src/cli/dispatch.ts';
import type { FlagSet } from '../../../src/cli/flag-set.ts';
import { describeFlags } from '../../../src/cli/help-declaration.ts';
import { commands } from '../../../src/cli/program.ts';

const names = commands.flatMap(({ name, also }) => [name, ...also]);

describe('the table of commands [U]', () => {
  it('gives every name to one command only', () => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('finds a command by each of its names, the longest one first', async () => {
    const found = await Promise.all(names.map((name) => findCommand(name.split(' '))));
    expect(names.filter((name, index) => found[index]?.used !== name.split(' ').length)).toEqual([]);
    expect(await findCommand(['image', 'ls', '-q'])).toMatchObject({ entry: { name: 'images' }, used: 2 });
    expect(await findCommand(['nothing'])).toBeUndefined();
  });

  it.each(commands.map((entry) => [entry.name, entry] as const))(
    '%s loads, and its examples use it',
    async (_name, entry) => {
      const { command: spec } = await entry.load();
      if (entry.group === 'internal') return;
      expect(spec.examples.length).toBeGreaterThan(0);
      for (const example of spec.examples) {
        expect(
          [entry.name, ...entry.also].some((name) => ` ${example} `.includes(` ${name} `)),
          example,
        ).toBe(true);
      }
    },
  );

  it.each(commands.map((entry) => [entry.name, entry] as const))('%s declares each flag once', async (_name, entry) => {
    const { command: spec } = await entry.load();
    const { options } = describeFlags(entry.name, spec);
    const flags = options.flatMap(({ short, long }) => [short, long].filter(Boolean));
    expect(flags.filter((flag, index) => flags.indexOf(flag) !== index)).toEqual([]);
  });
});

describe('readInvocation [U]', () => {
  const spec = {
    usage: '',
    examples: [],
    operands: [0, 2] as const,
    declare: (command: FlagSet) => {
      command
        .option('--tls-verify', '')
        .option('--sig-proxy', '', true)
        .option('--no-trunc', '')
        .option('-D, --detail', '')
        .option('--net, --network <mode>', '')
        .option('-e, --env <e>', '', (value: string, all: string[]) => [...all, value], []);
    },
    run: () => 0,
  };
  const read = (...argv: string[]) => readInvocation(spec, argv);

  it('tells a boolean that was not given from one that is false', () => {
    expect(read().flags()).toEqual({ sigProxy: true, trunc: true, env: [] });
    expect(read('--tls-verify=false', '--sig-proxy=false', '--no-trunc').flags()).toMatchObject({
      tlsVerify: false,
      sigProxy: false,
      trunc: false,
    });
    expect(read('--no-trunc=false').flags()).toMatchObject({ trunc: true });
  });

  it('collects repeated flags and takes both long names', () => {
    expect(read('-e', 'A=1', '-eB', '--net', 'host').flags()).toMatchObject({ env: ['A=1', 'B'], network: 'host' });
  });

  it('takes global flags after the command unless the command has that name for itself', () => {
    const { globals, flags } = read('--root', '/x', '-D', '--debug');
    expect(globals.map(({ flag, value }) => [flag.key, value])).toEqual([
      ['root', '/x'],
      ['debug', true],
    ]);
    expect(flags()).toMatchObject({ detail: true });
  });

  it('says how many operands it wants', () => {
    expect(() => read('a', 'b', 'c').flags()).toThrow('takes at most 2 arguments, got 3: c');
    expect(() => readInvocation({ ...spec, operands: [1, 1] }, []).flags()).toThrow(
      'requires exactly 1 argument, got 0',
    );
  });
});
