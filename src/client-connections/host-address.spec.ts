import dns from 'node:dns/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isPublicAddress, PinnedTarget } from './host-address';

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
    const target = new PinnedTarget('app.example', 443, configured);
    await expect(target.current()).resolves.toEqual({ host: '127.0.0.1', port: 9443 });
  });

  it.each(['localhost', '127.0.0.1'])('%s is refused: it leads to an address that is not public', async (host) => {
    await expect(new PinnedTarget(host, 443, {}).current()).rejects.toMatchObject({ code: 'private_address' });
  });

  describe('that is found', () => {
    const found = [{ address: '93.184.215.14', family: 4 }];
    let lookup: jest.SpiedFunction<typeof dns.lookup>;
    beforeEach(() => {
      lookup = jest.spyOn(dns, 'lookup').mockResolvedValue(found as never);
    });
    afterEach(() => lookup.mockRestore());

    it('is asked for once, by however many connections at once, and goes where it was looked up', async () => {
      const target = new PinnedTarget('app.example', 443, {});
      const [first, second] = await Promise.all([target.current(), target.current()]);
      expect(await target.current()).toBe(first);
      expect(second).toBe(first);
      expect(lookup).toHaveBeenCalledTimes(1);
      const addresses = await new Promise((resolve) =>
        first.lookup!('another.example', { all: true }, (_, given) => resolve(given)),
      );
      expect(addresses).toEqual(found);
    });

    it('is asked for again after a failure', async () => {
      const target = new PinnedTarget('app.example', 443, {});
      lookup.mockRejectedValueOnce(Object.assign(new Error('away'), { code: 'EAI_AGAIN' }));
      await expect(target.current()).rejects.toMatchObject({ code: 'EAI_AGAIN' });
      await expect(target.current()).resolves.toMatchObject({ host: 'app.example', port: 443 });
    });
  });
});
