import { describe, expect, it } from '@jest/globals';
import { testSummary, type JestResult } from './test-summary';

const result = (over: Partial<JestResult>): JestResult => ({
  exitCode: 0,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  ...over,
});

describe('the last line of npm test', () => {
  it('counts the tests', () => {
    expect(testSummary(result({ numPassedTests: 3 }))).toEqual({ line: '3 passed, 0 failed', passed: true });
    expect(testSummary(result({ numPassedTests: 3, numFailedTests: 2, exitCode: 1 }))).toEqual({
      line: '3 passed, 2 failed',
      passed: false,
    });
  });

  it('names skipped ones only when there are any', () => {
    expect(testSummary(result({ numPassedTests: 3, numPendingTests: 1, numTodoTests: 1 })).line).toBe(
      '3 passed, 0 failed, 2 skipped',
    );
  });

  it('is no pass without a single test', () => {
    expect(testSummary(result({ numPendingTests: 4 })).passed).toBe(false);
  });

  it('is no pass when jest crashed, or ended badly for a reason it does not count', () => {
    expect(testSummary(undefined)).toEqual({ line: '0 passed, 1 failed', passed: false });
    expect(testSummary(result({ numPassedTests: 3, exitCode: 1 }))).toEqual({
      line: '3 passed, 1 failed',
      passed: false,
    });
  });

  it('counts a file that could not be run as a failure', () => {
    expect(testSummary(result({ numPassedTests: 3, numRuntimeErrorTestSuites: 1, exitCode: 1 })).line).toBe(
      '3 passed, 1 failed',
    );
  });
});
