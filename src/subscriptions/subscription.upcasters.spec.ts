import { describe, expect, it } from '@jest/globals';
import { started } from '../../test/support/builders';
import { type Upcaster, upcast, upcastBy } from './subscription.upcasters';

describe('a recorded fact', () => {
  const present = started();
  /** Two releases back the end date had another name; one release back there was no interface version. */
  const steps: Record<string, Upcaster> = {
    'started.of-old': (data) => {
      const { until, ...rest } = data as { until: string };
      return { type: 'started.without-version', data: { ...rest, end_date: until } };
    },
    'started.without-version': (data) => ({
      type: 'nl.medmij.subscription.started.v1',
      data: { ...data, interface_version: '3.0.0' },
    }),
  };

  it('in the form of today is left alone', () => {
    expect(upcast(present)).toBe(present);
    expect(upcastBy(steps)(present)).toBe(present);
  });

  it('in an older form becomes one of today, step by step, and itself stays as it is', () => {
    const { end_date: until, interface_version: _version, ...data } = present.data;
    const old = Object.freeze({ type: 'started.of-old', data: Object.freeze({ ...data, until }) });
    expect(upcastBy(steps)(old)).toEqual(present);
    expect(old).toEqual({ type: 'started.of-old', data: { ...data, until } });
  });

  it('that nobody knows is said to be so, and so is one whose steps lead nowhere', () => {
    expect(() => upcast({ type: 'nl.medmij.subscription.started.v99', data: {} })).toThrow(/started\.v99 is not known/);
    expect(() => upcast({ type: 'toString', data: {} })).toThrow(/toString is not known/);
    const nowhere = upcastBy({ old: (data) => ({ type: 'newer', data }) });
    expect(() => nowhere({ type: 'old', data: {} })).toThrow(/newer is not known/);
  });
});
