import { describe, expect, it } from 'vitest';
import { CtrError } from '../../../src/base/ctr-error.ts';
import { describeError } from '../../../src/cli/report-error.ts';
import { SyscallError } from '../../../src/linux/ffi.ts';

const text = (error: unknown) => describeError(error, 'ctr', false).text;

describe('describeError [U]', () => {
  it('prints message, the failed call with its words, and the hint', () => {
    const cause = new SyscallError('clone(NEWUSER)', 1);
    expect(text(new CtrError('USERNS', 'cannot create a user namespace', { cause, hint: 'see `ctr info`' }))).toBe(
      'ctr: cannot create a user namespace\n  clone(NEWUSER) = EPERM (operation not permitted)\n  hint: see `ctr info`\n',
    );
  });

  it('has the exit code of the error, and 125 for all others', () => {
    expect(describeError(new CtrError('IN_USE', 'x', { exitCode: 2 }), 'ctr', false).exitCode).toBe(2);
    expect(describeError(new CtrError('INVALID', 'x'), 'ctr', false).exitCode).toBe(125);
    expect(describeError(new TypeError('x'), 'ctr', false)).toEqual({ text: 'ctr: TypeError: x\n', exitCode: 125 });
  });

  it('explains a full disk wherever it is in the chain', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(text(new CtrError('NO_SPACE', 'cannot store a layer', { cause: full }))).toContain('hint: the disk');
  });

  it('does not repeat a cause that the message quotes', () => {
    const cause = new Error('connection refused');
    expect(text(new CtrError('NETWORK', 'cannot reach x: connection refused', { cause }))).toBe(
      'ctr: cannot reach x: connection refused\n',
    );
  });

  it('is silent when the reader of stdout has gone', () => {
    const broken = Object.assign(new Error('EPIPE: broken pipe, write'), { code: 'EPIPE', syscall: 'write' });
    expect(describeError(broken, 'ctr', false)).toEqual({ text: '', exitCode: 0 });
  });

  it('shows a stack trace with --debug only', () => {
    const error = new CtrError('INTERNAL', 'x');
    expect(text(error)).not.toContain('report-error.test');
    expect(describeError(error, 'ctr', true).text).toContain('report-error.test');
  });

  it('lets nothing in a message drive the terminal', () => {
    expect(text(new CtrError('INVALID', 'bad name \x1b[2J\r\x9b'))).toBe('ctr: bad name \\x1b[2J\\x0d\\x9b\n');
  });

  it('ends on a chain of causes that is a circle', () => {
    const a: Error & { cause?: unknown } = new Error('a');
    a.cause = new Error('b', { cause: a });
    expect(text(a)).toBe('ctr: a\n  b\n');
  });
});
