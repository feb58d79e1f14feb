import { describe, expect, it } from '@jest/globals';
import { addressOf, isPublicAddress } from './host-address';

describe('an address', () => {
  it.each([
    '127.0.0.1',
    '127.8.9.10',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['8.8.8.8', '145.0.0.1', '172.32.0.1', '2a00:1450::1', '2001:4860:4860::8888'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('a host', () => {
  it('goes where development configured it', async () => {
    const configured = { 'app.example': { address: '127.0.0.1', port: 9443 } };
    await expect(addressOf('app.example', 443, configured)).resolves.toEqual({ address: '127.0.0.1', port: 9443 });
  });

  it('is refused when its name leads to an address that is not public', async () => {
    await expect(addressOf('localhost', 443, {})).rejects.toMatchObject({ code: 'private_address' });
    await expect(addressOf('127.0.0.1', 443, {})).rejects.toMatchObject({ code: 'private_address' });
  });
});
