import { describe, expect, it } from '@jest/globals';
import { recordBytes, recordOf } from './sealed-record';

describe('a refused record that is kept', () => {
  it('comes back byte for byte: texts, bytes, several headers of one name, none at all', () => {
    const bytes = Buffer.from([0, 255, 10, 128]);
    const record = { key: bytes, value: Buffer.from('é'), headers: { one: bytes, several: [bytes, Buffer.from('b')] } };
    expect(recordOf(recordBytes(record))).toEqual(record);
    const empty = { key: null, value: null, headers: {} };
    expect(recordOf(recordBytes(empty))).toEqual(empty);
  });

  it('comes back without what was said about its refusal', () => {
    const headers = { 'x-dead-letter-reason': 'malformed_request', 'x-dead-letter-offset': '7', ce_id: 'a' };
    expect(recordOf(recordBytes({ key: null, value: null, headers })).headers).toEqual({ ce_id: Buffer.from('a') });
  });
});
