/** --ip, --ip6, --mac-address of `run` and `network connect`, as the words of --network NAME:ip=…,mac=…. */
import { flagError } from './flag-error.ts';
import { isIpAddress } from './ip-address.ts';

export interface AddressOptions {
  readonly ip?: string;
  readonly ip6?: string;
  readonly macAddress?: string;
}

export function addressWords({ ip, ip6, macAddress }: AddressOptions): string[] {
  return [
    ...(ip === undefined ? [] : [checkWord('--ip', `ip=${ip}`)]),
    ...(ip6 === undefined ? [] : [checkWord('--ip6', `ip6=${ip6}`)]),
    ...(macAddress === undefined ? [] : [checkWord('--mac-address', `mac=${macAddress}`)]),
  ];
}

/** One of `ip=`, `ip6=`, `mac=`, `alias=`, `interface_name=`; `flag` is what the error names. */
export function checkWord(flag: string, word: string): string {
  const equals = word.indexOf('=');
  const [name, value] = [word.slice(0, equals), word.slice(equals + 1)];
  switch (name) {
    case 'ip':
      if (!isIpAddress(value) || value.includes(':')) throw flagError(flag, value, 'want an IPv4 address');
      return word;
    case 'ip6':
      if (!isIpAddress(value) || !value.includes(':')) throw flagError(flag, value, 'want an IPv6 address');
      return word;
    case 'mac':
      if (!/^[\da-f]{2}([:-][\da-f]{2}){5}$/i.test(value))
        throw flagError(flag, value, 'want an address like 02:42:ac:11:00:02');
      return `mac=${value.toLowerCase().replaceAll('-', ':')}`;
    case 'alias':
      if (!/^[\w.-]{1,63}$/.test(value)) throw flagError(flag, value, 'want a name of letters, digits, - and .');
      return word;
    case 'interface_name':
      if (!/^[\w.-]{1,15}$/.test(value)) throw flagError(flag, value, 'want an interface name of at most 15 bytes');
      return word;
    default:
      throw flagError(flag, word, 'want alias=, ip=, ip6=, mac= or interface_name=');
  }
}
