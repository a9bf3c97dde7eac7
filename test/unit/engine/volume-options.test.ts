import { describe, expect, it } from 'vitest';
import { checkVolumeOptions, hasOwnDirectory, volumeMountOf } from '../../../src/engine/volume-options.ts';

describe('options of a local volume [U] podman-volume-create(1)', () => {
  it('are none for one that is a directory of the store', () => {
    checkVolumeOptions({});
    expect(volumeMountOf({}, '/store/v')).toEqual({ type: 'bind', source: '/store/v', options: [] });
    expect(hasOwnDirectory({})).toBe(true);
  });

  it('make a tmpfs with the words of o', () => {
    expect(volumeMountOf({ type: 'tmpfs', device: 'tmpfs', o: 'size=1m,nodev' }, '/store/v')).toEqual({
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['size=1m', 'nodev'],
    });
  });

  it('show a directory with o=bind', () => {
    const options = { type: 'none', o: 'bind,ro', device: '/srv' };
    checkVolumeOptions(options);
    expect(volumeMountOf(options, '/store/v')).toEqual({ type: 'bind', source: '/srv', options: ['ro'] });
    expect(hasOwnDirectory(options)).toBe(false);
  });

  it.each([
    [{ type: 'nfs', device: 'a:/b' }, /needs root/],
    [{ type: 'none', device: 'relative' }, /absolute path/],
    [{ size: '1g' }, /unknown option "size"/],
  ])('refuses %j', (options, message) => expect(() => checkVolumeOptions(options)).toThrow(message));
});
