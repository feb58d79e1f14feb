import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deliveriesOf, requestIdOf } from './notification-request';

const fence = fc.bigInt(0n, 2n ** 32n - 1n).map(String);

describe('the request id of a notification', () => {
  it('is a UUID like its delivery’s', () => {
    fc.assert(
      fc.property(fc.uuid({ version: 4 }), fence, (id, mark) => {
        expect(requestIdOf(id, mark)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
    );
  });

  it('leads back to the delivery', () => {
    fc.assert(
      fc.property(fc.uuid(), fence, (id, mark) => {
        const requestId = requestIdOf(id, mark);
        const { first, last } = deliveriesOf(requestId)!;
        expect(first <= id && id <= last).toBe(true);
      }),
    );
  });

  it('is another one for every claim, and the same for the same', () => {
    const id = '1f6a2c7e-0d4b-4c7a-9e55-0b1c2d3e4f50';
    const ids = Array.from({ length: 1_000 }, (_, n) => requestIdOf(id, String(n + 1)));
    expect(new Set(ids).size).toBe(1_000);
    expect(requestIdOf(id, '7')).toBe(ids[6]);
  });

  it.each([
    '',
    'x',
    '1f6a2c7e-0d4b-4c7a-9e55-0b1c2d3e4f5',
    "1'; drop table event",
    '1F6A2C7E-0D4B-4C7A-9E55-0B1C2D3E4F50',
  ])('is not %j', (text) => expect(deliveriesOf(text)).toBeUndefined());
});
