import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlagSpec, parseArgv } from '../../../src/cli/argv.ts';

const flags: readonly FlagSpec[] = [
  { names: ['interactive', 'i'], takes: 'nothing' },
  { names: ['tty', 't'], takes: 'nothing' },
  { names: ['detach', 'd'], takes: 'nothing' },
  { names: ['env', 'e'], takes: 'value' },
  { names: ['publish', 'p'], takes: 'value' },
  { names: ['systemd'], takes: 'maybe' },
];

const read = (words: string[], passThrough = false) => {
  const { settings, operands } = parseArgv(words, flags, passThrough);
  return [settings.map(({ flag, value }) => `${flag.names[0]}=${value}`).join(' '), operands.join(' ')];
};

describe('parseArgv [U] pflag', () => {
  it.each([
    ['-itd alpine', 'interactive=true tty=true detach=true', 'alpine'],
    ['-eKEY=V x', 'env=KEY=V', 'x'],
    ['-e KEY=V x', 'env=KEY=V', 'x'],
    ['-e=KEY=V x', 'env=KEY=V', 'x'],
    ['-ite A=1', 'interactive=true tty=true env=A=1', ''],
    ['-p8080:80', 'publish=8080:80', ''],
    ['--tty=false', 'tty=false', ''],
    ['-t=false', 'tty=false', ''],
    ['--tty=F --tty=1', 'tty=false tty=true', ''],
    ['--env= x', 'env=', 'x'],
    ['--env --tty', 'env=--tty', ''],
    ['--systemd always', 'systemd=undefined', 'always'],
    ['--systemd=always', 'systemd=always', ''],
    ['-e A -e B', 'env=A env=B', ''],
    ['a -t b', 'tty=true', 'a b'],
    ['a -- -t', '', 'a -t'],
    ['-', '', '-'],
  ])('reads %s', (line, settings, operands) => {
    expect(read(line.split(' '))).toEqual([settings, operands]);
  });

  it('leaves everything from the first operand on to the program when options end there', () => {
    expect(read(['-t', 'alpine', 'ls', '-i', '--', '-x'], true)).toEqual(['tty=true', 'alpine ls -i -- -x']);
    expect(read(['-t', '--', 'alpine', '-i'], true)).toEqual(['tty=true', 'alpine -i']);
  });

  it.each([
    ['--nope', 'unknown flag: --nope'],
    ['--i', 'unknown flag: --i'],
    ['-tz', "unknown shorthand flag: 'z' in -z"],
    ['--env', 'flag needs an argument: --env'],
    ['-te', "flag needs an argument: 'e' in -e"],
    ['--tty=maybe', 'invalid argument "maybe" for "--tty" flag: want true or false'],
    ['---x', 'bad flag syntax: ---x'],
    ['--=x', 'bad flag syntax: --=x'],
  ])('refuses %s', (word, message) => {
    expect(() => read([word])).toThrow(message);
  });

  it('keeps every operand, in order, wherever flags stand', () => {
    const operand = fc.string({ minLength: 1 }).filter((word) => !word.startsWith('-'));
    const flag = fc.constantFrom('-t', '--tty=false', '-eA=1', '--env=B', '-itd');
    fc.assert(
      fc.property(fc.array(fc.oneof(operand, flag)), (words) => {
        expect(parseArgv(words, flags, false).operands).toEqual(words.filter((word) => !word.startsWith('-')));
      }),
    );
  });

  it('gives any value back unchanged, in each of its spellings', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        for (const words of [[`--env=${value}`], ['--env', value], ['-e', value], [`-e=${value}`]]) {
          expect(parseArgv(words, flags, false).settings[0]?.value).toBe(value);
        }
      }),
    );
  });

  it('never fails in any other way than with a usage error', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.boolean(), (words, passThrough) => {
        try {
          parseArgv(words, flags, passThrough);
        } catch (error) {
          expect(error).toMatchObject({ code: 'USAGE' });
        }
      }),
    );
  });
});
