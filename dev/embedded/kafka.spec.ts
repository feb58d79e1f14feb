import { describe, expect, it } from '@jest/globals';
import { newClusterId } from './kafka';

describe('the id of a new Kafka cluster', () => {
  it('never begins with a dash, which its tool takes for an option', () => {
    // 0xf8 to 0xfb are the first bytes that base64url begins with a dash.
    for (let first = 0; first < 256; first += 1) {
      expect(newClusterId(Buffer.alloc(16, first))).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
    }
    expect(newClusterId()).not.toBe(newClusterId());
  });
});
