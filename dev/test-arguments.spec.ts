import { describe, expect, it } from '@jest/globals';
import { testArguments } from './test-arguments';

const suite = 'test/faults/fault-suite.int.spec.ts';

describe('the arguments of a test run', () => {
  it('go to jest as they are, with servers', () => {
    expect(testArguments(['test/journeys', '-t', 'start'], '/project')).toEqual({
      servers: true,
      jest: ['test/journeys', '-t', 'start'],
      environment: {},
    });
  });

  it('of the rules leave out what needs servers', () => {
    expect(testArguments(['--rules', '-t', 'end'], '/project')).toEqual({
      servers: false,
      jest: ['--roots', '/project/src', '/project/dev', '-t', 'end'],
      environment: {},
    });
  });

  it('of the fault suite say how long it is, and which one', () => {
    const events = { FAULTS_EVENTS: '1000000', FAULTS_MINUTES: '45' };
    expect(testArguments(['--faults'], '/project')).toEqual({ servers: false, jest: [suite], environment: events });
    expect(testArguments(['--faults', '--events', '5000', '--seed', '7', '--minutes', '0.5'], '/project')).toEqual({
      servers: false,
      jest: [suite],
      environment: { FAULTS_EVENTS: '5000', FAULTS_SEED: '7', FAULTS_MINUTES: '0.5' },
    });
  });

  it.each([[['--event', '5']], [['--seed']], [['--minutes', 'long']], [['5000']]])(
    'of the fault suite, %j, are refused',
    (given) => {
      expect(() => testArguments(['--faults', ...given], '/project')).toThrow('--events N, --minutes M and --seed S');
    },
  );
});
