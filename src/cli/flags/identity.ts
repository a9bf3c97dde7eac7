/** What the process finds of itself: time zone, its line of /etc/passwd, descriptors, personality. */

import { statSync } from 'node:fs';
import { posix } from 'node:path';
import { attachedStreams, type SandboxRequest, sdNotifyModes } from '../../engine/sandbox-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { parseInteger } from './size.ts';

export interface IdentityOptions {
  readonly domainname?: string;
  readonly tz?: string;
  readonly passwd: boolean;
  readonly passwdEntry?: string;
  readonly groupEntry?: string;
  readonly preserveFds?: string;
  readonly personality?: string;
  readonly hostuser: readonly string[];
  readonly chrootdirs: readonly string[];
  readonly attach: readonly string[];
  readonly sdnotify?: string;
}

export function addIdentityFlags(command: FlagSet): void {
  command
    .optionsGroup('Process:')
    .option('--domainname <name>', 'its NIS domain name')
    .option('--tz <zone>', 'its time zone: Europe/Berlin, or local for that of the host')
    .option('--passwd', 'add its user to /etc/passwd where it is missing; on unless =false', true)
    .option('--passwd-entry <line>', 'the line: $USERNAME, $UID, $GID, $NAME and $HOME are filled in')
    .option('--group-entry <line>', 'the line of /etc/group: $GROUPNAME and $GID are filled in')
    .option('--preserve-fds <number>', 'how many open files from 3 on it gets from here')
    .option('--personality <domain>', 'LINUX or LINUX32')
    .option('--hostuser <name>', 'a user of the host who gets a line of /etc/passwd', collect, [])
    .option('--chrootdirs <path>', 'directories in it that get /etc/hosts, hostname and resolv.conf, too', collect, [])
    .option('-a, --attach <stream>', 'attach to these only: stdin, stdout, stderr', collect, [])
    .option('--sdnotify <mode>', 'who tells systemd of readiness: container, conmon, healthy or ignore');
}

/** Descriptors from 100 on are ctr's own at a start. */
const mostDescriptors = 90;
const zones = '/usr/share/zoneinfo';

export function parseIdentity(options: IdentityOptions): SandboxRequest {
  const { tz, passwdEntry, groupEntry, preserveFds, personality } = options;
  return {
    ...(options.domainname === undefined ? {} : { domainname: oneLine('--domainname', options.domainname) }),
    ...(tz === undefined ? {} : { timezone: checkZone(tz) }),
    ...(options.passwd ? {} : { keepPasswd: true }),
    ...(passwdEntry === undefined ? {} : { passwdEntry: oneLine('--passwd-entry', passwdEntry) }),
    ...(groupEntry === undefined ? {} : { groupEntry: oneLine('--group-entry', groupEntry) }),
    ...(preserveFds === undefined
      ? {}
      : { preserveFds: parseInteger('--preserve-fds', preserveFds, 0, mostDescriptors) }),
    ...(personality === undefined ? {} : { personality: parsePersonality(personality) }),
    ...(options.hostuser.length > 0 ? { hostUsers: options.hostuser.map((name) => oneLine('--hostuser', name)) } : {}),
    ...(options.chrootdirs.length > 0 ? { chrootDirs: options.chrootdirs.flatMap(chrootDirs) } : {}),
    ...(options.attach.length > 0
      ? { attach: options.attach.map((word) => oneOf('--attach', word, attachedStreams)) }
      : {}),
    ...(options.sdnotify === undefined ? {} : { sdNotify: oneOf('--sdnotify', options.sdnotify, sdNotifyModes) }),
  };
}

function checkZone(zone: string): string {
  const isName = /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(zone);
  if (zone === 'local' || (isName && statSync(`${zones}/${zone}`, { throwIfNoEntry: false })?.isFile())) return zone;
  throw flagError('--tz', zone, `want local or a file below ${zones}`);
}

function oneLine(flag: string, text: string): string {
  if (text.includes('\n') || text.includes('\0')) throw flagError(flag, text, 'want one line');
  return text;
}

function chrootDirs(list: string): string[] {
  const wrong = list.split(',').find((path) => !path.startsWith('/'));
  if (wrong !== undefined) throw flagError('--chrootdirs', list, 'want absolute paths in the container');
  return list.split(',').map((path) => posix.normalize(path).replace(/\/$/, ''));
}

function oneOf<Word extends string>(flag: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text.toLowerCase());
  if (found === undefined) throw flagError(flag, text, `want one of ${words.join(', ')}`);
  return found;
}

function parsePersonality(word: string): 'LINUX' | 'LINUX32' {
  if (word === 'LINUX' || word === 'LINUX32') return word;
  throw flagError('--personality', word, 'want LINUX or LINUX32');
}
