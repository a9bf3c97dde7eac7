import { describe, expect, it } from 'vitest';
import { doctorText } from '../../../src/cli/doctor.ts';

const good = { name: 'tun', title: 'tun opens', status: 'ok', detail: 'opened' } as const;
const lesser = { name: 'fuse', title: 'fuse', status: 'degraded', detail: 'EACCES', remedy: 'chmod it' } as const;
const bad = { name: 'kernel', title: 'kernel', status: 'failed', detail: '4.4', remedy: 'upgrade' } as const;

describe('doctorText [U]', () => {
  it('gives one line to each probe and one more to each remedy', () => {
    expect(doctorText([good, lesser])).toBe(
      [
        'ok        tun: tun opens (opened)',
        'degraded  fuse: fuse (EACCES)',
        '          → chmod it',
        '',
        'Containers work, in a lesser way: fuse.',
        '',
      ].join('\n'),
    );
  });

  it('says that containers cannot start when one probe failed', () => {
    expect(doctorText([good, lesser, bad])).toContain('\nContainers cannot start on this host: kernel.\n');
  });

  it('says that everything works when it does', () => {
    expect(doctorText([good])).toMatch(/\nEverything works\.\n$/);
  });
});
