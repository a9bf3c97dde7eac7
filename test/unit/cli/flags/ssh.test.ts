import { describe, expect, it } from 'vitest';
import { kindOfKey } from '../../../../src/cli/flags/ssh.ts';

const pem = (form: string, body: string) =>
  `-----BEGIN ${form}PRIVATE KEY-----\n${body}\n-----END ${form}PRIVATE KEY-----\n`;

/** PROTOCOL.key: magic, then the cipher's name as a string. */
function opensshKey(cipher: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(cipher.length);
  const bytes = Buffer.concat([Buffer.from('openssh-key-v1\0'), length, Buffer.from(`${cipher}and more`)]);
  return pem('OPENSSH ', bytes.toString('base64'));
}

describe('kindOfKey [U]', () => {
  it.each([
    ['plain', opensshKey('none')],
    ['encrypted', opensshKey('aes256-ctr')],
    ['plain', pem('RSA ', 'MIIE')],
    ['encrypted', pem('RSA ', 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIE')],
    ['plain', pem('', 'MIIE')],
    ['encrypted', pem('ENCRYPTED ', 'MIIE')],
    ['none', 'ssh-ed25519 AAAA a public key'],
    ['none', pem('OPENSSH ', 'AAAA')],
    ['none', ''],
  ] as const)('is %s', (kind, text) => {
    expect(kindOfKey(text)).toBe(kind);
  });
});
