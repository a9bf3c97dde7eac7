import { describe, expect, it } from 'vitest';
import { storedRequest } from '../../../src/engine/stored-request.ts';
import { runRequestOf } from '../../support/run-request.ts';

const id = 'a'.repeat(64);
const stored = (request: unknown) => storedRequest({ id, request: JSON.parse(JSON.stringify(request)) });

describe('storedRequest [U]', () => {
  it.each([
    ['a bare image', ['alpine']],
    [
      'many flags',
      [
        ...['-it', '--name', 'web', '--hostname', 'web', '-e', 'A=1', '-w', '/srv', '-u', '1:2', '--group-add', '3'],
        ...['--label', 'a=b', '--annotation', 'c=d', '--init', '--read-only', '-v', '/:/host:ro', '--tmpfs', '/run'],
        ...['-p', '127.0.0.1:80:80/udp', '--dns', '1.1.1.1', '--add-host', 'a:1.2.3.4', '--ulimit', 'nofile=1:2'],
        ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--sysctl', 'net.a=1', '--oom-score-adj', '5'],
        ...['--restart', 'on-failure:3', '--timeout', '9', '--requires', 'db,cache', '--stop-signal', 'INT'],
        ...[
          '--entrypoint',
          '["a","b"]',
          '--platform',
          'linux/arm64',
          '--cidfile',
          '/c',
          '--pidfile',
          '/p',
          'alpine',
          'x',
        ],
      ],
    ],
    ['a root file system', ['--rootfs', '--rm', '--rmi', '/root:O', 'sh']],
    ['pasta', ['--network', 'pasta:-4', 'alpine']],
    ['a shared network', ['--network', 'container:web', 'alpine']],
    ['a namespace by path', ['--network', 'ns:/run/ns', 'alpine']],
    ['ids of its own', ['--userns', 'auto:size=9,uidmapping=5:0:1,gidmapping=6:0:2', 'alpine']],
    [
      'what only Podman has',
      [
        ...['--env-merge', 'A=$B', '--chrootdirs', '/a', '--hostuser', 'me', '-a', 'stdout', '--sdnotify', 'healthy'],
        ...['--health-cmd', 'x', '--health-startup-cmd', 'y', '--health-startup-retries', '2', 'alpine'],
        ...['--health-max-log-count', '0', '--health-max-log-size', '9', '--health-log-destination', '/'],
      ].toSorted((a, b) => Number(a === 'alpine') - Number(b === 'alpine')),
    ],
    ['named networks', ['--network', 'front:alias=a', 'alpine']],
  ])('gives back what was stored: %s', (_what, words) => {
    const request = runRequestOf(words);
    expect(stored(request)).toEqual(request);
  });

  it.each([
    ['nothing', undefined, 'request: expected an object'],
    ['a wrong member', { ...runRequestOf(['alpine']), tty: 'yes' }, 'request.tty: expected true or false'],
    ['a lost member', { ...runRequestOf(['alpine']), mounts: undefined }, 'request.mounts: expected an array'],
    ['an unknown network', { ...runRequestOf(['alpine']), network: { mode: 'x' } }, 'request.network.mode: expected'],
  ])('refuses %s and says where it is', (_what, request, message) => {
    expect(() => storedRequest({ id, request })).toThrow(message);
  });
});
