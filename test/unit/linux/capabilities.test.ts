import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  capabilitiesIn,
  capabilityMask,
  capabilityNames,
  capabilityNumber,
  normalizeCapability,
} from '../../../src/linux/capabilities.ts';

describe('capabilities [U] capabilities(7)', () => {
  it.each([
    ['CAP_CHOWN', 0],
    ['CAP_SYS_ADMIN', 21],
    ['CAP_SETFCAP', 31],
    ['CAP_MAC_OVERRIDE', 32],
    ['CAP_CHECKPOINT_RESTORE', 40],
  ])('%s has the number %i of linux/capability.h', (name, number) => {
    expect(capabilityNumber(name)).toBe(number);
  });

  it('a mask gives back the names it was made of', () => {
    fc.assert(
      fc.property(fc.subarray([...capabilityNames]), (names) => {
        expect(capabilitiesIn(capabilityMask(names))).toEqual(names);
      }),
    );
  });

  it('puts numbers from 32 on into the high word', () => {
    expect(capabilityMask(['CAP_SETFCAP', 'CAP_MAC_OVERRIDE'])).toEqual([0x8000_0000, 1]);
  });

  it.each(['net_admin', 'NET_ADMIN', 'cap_net_admin', 'CAP_NET_ADMIN'])('reads %s as CAP_NET_ADMIN', (name) => {
    expect(normalizeCapability(name)).toBe('CAP_NET_ADMIN');
  });

  it('refuses a capability that does not exist', () => {
    expect(() => normalizeCapability('CAP_FLY')).toThrow('unknown capability "CAP_FLY"');
    expect(() => capabilityMask(['CAP_FLY'])).toThrow('CAP_FLY');
  });
});
