import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEtcdUrl } from '../../../src/net/etcd.ts';
import { ownPeers, parsePeer, peerName } from '../../../src/net/peer-name.ts';

const parse = (text: string) => parsePeer(text, '--peer');

describe('parsePeer [U]', () => {
  it.each([
    ['alpha', 'alpha:51820'],
    ['Alpha.Example:4000', 'alpha.example:4000'],
    ['192.0.2.7', '192.0.2.7:51820'],
    ['2001:db8:0::7', '[2001:db8::7]:51820'],
    ['[2001:db8::7]:4000', '[2001:db8::7]:4000'],
  ])('%s is the machine %s', (text, name) => {
    expect(peerName(parse(text))).toBe(name);
    expect(peerName(parse(name))).toBe(name);
  });

  it.each(['', ':51820', 'a b', 'a:', 'a:0', 'a:65536', 'a:1:2', 'a/24', '-x', '[alpha]:1', '[::1', 'a\n'])(
    'refuses %j',
    (text) => expect(() => parse(text)).toThrow('want HOST or HOST:PORT'),
  );

  it('never takes what could be more than one word', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(peerName(parse(text))).toMatch(/^[\w.:[\]-]+$/);
        } catch (error) {
          expect(String(error)).toContain('want HOST');
        }
      }),
    );
  });
});

describe('ownPeers [U]', () => {
  it('finds this machine by the addresses of its interfaces', async () => {
    const places = ['127.0.0.1:1', '192.0.2.7:1'].map(parse);
    expect((await ownPeers(places)).map(peerName)).toEqual(['127.0.0.1:1']);
  });
});

describe('parseEtcdUrl [U]', () => {
  it('takes HTTP and HTTPS', () => {
    expect(parseEtcdUrl('http://127.0.0.1:2379')).toBe('http://127.0.0.1:2379/');
    expect(parseEtcdUrl('https://etcd.example/')).toBe('https://etcd.example/');
  });

  it.each(['etcd.example', 'ftp://etcd.example', 'http://user:secret@etcd.example', 'http://etcd.example/?a=b'])(
    'refuses %s, without saying it',
    (text) => expect(() => parseEtcdUrl(text)).toThrow(/^--opt etcd= wants a URL/),
  );
});
