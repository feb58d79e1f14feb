import { describe, expect, it } from '@jest/globals';
import { type FactForms, upcastBy } from './fact-forms';

const present = { type: 'begun.v1', data: { end_date: '2026-07-01', interface_version: '3.0.0' } };

describe('a recorded fact', () => {
  /** Two releases back the end date had another name; one release back there was no interface version. */
  const forms: FactForms = {
    types: ['begun.v1', 'ended.v1'],
    upcasters: {
      'begun.of-old': (data) => {
        const { until, ...rest } = data as { until: string };
        return { type: 'begun.without-version', data: { ...rest, end_date: until } };
      },
      'begun.without-version': (data) => ({ type: 'begun.v1', data: { ...data, interface_version: '3.0.0' } }),
    },
  };
  const upcast = upcastBy(forms, { types: ['met.v1'], upcasters: {} });

  it('in the form of today is left alone, whichever room it is of', () => {
    expect(upcast(present)).toBe(present);
    const met = { type: 'met.v1', data: {} };
    expect(upcast(met)).toBe(met);
  });

  it('in an older form becomes one of today, step by step, and itself stays as it is', () => {
    const old = Object.freeze({ type: 'begun.of-old', data: Object.freeze({ until: '2026-07-01' }) });
    expect(upcast(old)).toEqual(present);
    expect(old).toEqual({ type: 'begun.of-old', data: { until: '2026-07-01' } });
  });

  it('that nobody knows is said to be so, and so is one whose steps lead nowhere', () => {
    expect(() => upcast({ type: 'begun.v99', data: {} })).toThrow(/begun\.v99 is not known/);
    expect(() => upcast({ type: 'toString', data: {} })).toThrow(/toString is not known/);
    const nowhere = upcastBy({ ...forms, upcasters: { old: (data) => ({ type: 'newer', data }) } });
    expect(() => nowhere({ type: 'old', data: {} })).toThrow(/newer is not known/);
  });
});
