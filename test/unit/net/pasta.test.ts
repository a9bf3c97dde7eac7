import { describe, expect, it } from 'vitest';
import { describePort } from '../../../src/net/host-ports.ts';
import { type PastaRequest, pastaArgs } from '../../../src/net/pasta.ts';

const base: PastaRequest = { pid: 42, directory: '/run/c1', options: [], publish: [], hostLoopback: false };
const args = (more: Partial<PastaRequest> = {}, uid = 1000) => pastaArgs({ ...base, ...more }, uid).join(' ');

describe('pastaArgs [U] pasta(1)', () => {
  it('forwards nothing and hides the host unless asked', () => {
    expect(args()).toBe(
      '--config-net --quiet --no-map-gw --dns-forward 169.254.1.1 -t none -u none -T none -U none ' +
        '--userns /proc/42/ns/user --netns /run/c1/pasta/netns',
    );
  });

  it('publishes a port by protocol, on one address when given', () => {
    const publish = [
      { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
      { hostIp: '127.0.0.1', hostPort: 5353, containerPort: 53, protocol: 'udp' },
    ] as const;
    expect(args({ publish })).toContain(' -t 8080:80 -u 127.0.0.1/5353:53 -T none ');
  });

  it('lets the options of the user win', () => {
    const text = args({ options: ['-T', '5432', '--dns-forward=10.0.0.1', '-t', 'auto', '--map-gw'] });
    expect(text).not.toMatch(/-T none|-t none|169\.254|map-gw/);
    expect(text).toContain(' -T 5432 --dns-forward=10.0.0.1 -t auto ');
  });

  it('keeps root from becoming nobody, who could not join the namespace', () => {
    expect(args({}, 0)).toContain('--runas 0:0');
    expect(args({}, 1000)).not.toContain('--runas');
  });
});

describe('describePort [U]', () => {
  it('writes a port as -p takes it', () => {
    expect(describePort({ hostIp: '::1', hostPort: 53, containerPort: 53, protocol: 'udp' })).toBe('[::1]:53/udp');
    expect(describePort({ hostPort: 80, containerPort: 8080, protocol: 'tcp' })).toBe('80/tcp');
  });
});
