import { describe, expect, it } from 'vitest';
import { maxOptionBytes, overlayOptions } from '../../../src/storage/drivers/overlay-options.ts';

describe('overlayOptions [U] filesystems/overlayfs', () => {
  it('takes the meaning away from separators in paths', () => {
    const upper = { upperDir: '/u,p:x', workDir: '/w\\k' };
    expect(overlayOptions({ lower: ['a,b:c\\d', 'e'], upper })).toBe(
      'lowerdir=a\\,b\\:c\\\\d:e,upperdir=/u\\,p:x,workdir=/w\\\\k,userxattr',
    );
  });

  it('has room for 480 layers with short names beside long upper paths', () => {
    const lower = Array.from({ length: 480 }, (_, at) => `${1000 + at}`);
    const base = `/home/${'u'.repeat(200)}/.local/share/ctr/containers/${'a'.repeat(64)}`;
    const upper = { upperDir: `${base}/upper`, workDir: `${base}/work` };
    expect(overlayOptions({ lower, upper }).length).toBeLessThanOrEqual(maxOptionBytes);
  });

  it('refuses what does not fit into the page that the kernel copies', () => {
    expect(() => overlayOptions({ lower: ['x'.repeat(5000)] })).toThrow(/cannot stack 1 layers/);
  });

  it('refuses more layers than overlay can stack', () => {
    expect(() => overlayOptions({ lower: Array.from({ length: 501 }, () => 'a') })).toThrow(/at most 500/);
  });
});
