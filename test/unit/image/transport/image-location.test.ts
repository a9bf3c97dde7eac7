import { describe, expect, it } from 'vitest';
import { parseLocation } from '../../../../src/image/transport/image-location.ts';

describe('parseLocation [U] containers-transports(5)', () => {
  it.each([
    ['docker://alpine', { transport: 'docker', name: 'alpine' }],
    ['oci:./dir', { transport: 'oci', path: './dir', name: undefined }],
    ['oci:./dir:a:1', { transport: 'oci', path: './dir', name: 'a:1' }],
    ['docker-archive:/a.tar:x/y:1', { transport: 'docker-archive', path: '/a.tar', name: 'x/y:1' }],
    ['oci-archive:/a.tar', { transport: 'oci-archive', path: '/a.tar', name: undefined }],
    ['dir:/d', { transport: 'dir', path: '/d' }],
  ])('reads %s', (text, location) => {
    expect(parseLocation(text)).toEqual(location);
  });

  it.each(['alpine', 'alpine:3', 'oci:1', 'localhost:5000/app', 'docker:24', 'ftp://x/y'])(
    'takes %s for the name of an image',
    (text) => {
      expect(parseLocation(text)).toBeUndefined();
    },
  );
});
