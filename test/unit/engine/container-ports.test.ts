import { describe, expect, it } from 'vitest';
import { portsText } from '../../../src/engine/container-ports.ts';
import { runRequestOf } from '../../support/run-request.ts';

const text = (...publish: readonly string[]) =>
  portsText(runRequestOf([...publish.flatMap((word) => ['-p', word]), 'alpine']).publish);

describe('portsText [U] podman-ps(1)', () => {
  it('shows address, both ports and protocol', () => {
    expect(text('8080:80', '127.0.0.1:5353:53/udp')).toBe('0.0.0.0:8080->80/tcp, 127.0.0.1:5353->53/udp');
  });

  it('shows neighbours as a range', () => {
    expect(text('8000-8002:9000-9002')).toBe('0.0.0.0:8000-8002->9000-9002/tcp');
  });

  it('keeps apart what is no range on both sides', () => {
    expect(text('8000:80', '8001:90')).toBe('0.0.0.0:8000->80/tcp, 0.0.0.0:8001->90/tcp');
  });

  it('puts IPv6 addresses into brackets', () => {
    expect(text('[::1]:8080:80')).toBe('[::1]:8080->80/tcp');
  });
});
