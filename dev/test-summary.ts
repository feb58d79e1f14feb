/** What is read of jest's --json report, and its exit code. */
export interface JestResult {
  readonly exitCode: number;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Files that failed before or outside their tests. */
  readonly numRuntimeErrorTestSuites: number;
}

/** The last line of `npm test`, and whether it is a pass. A run that gave no result is a failure, and so is one of no test. */
export function testSummary(result: JestResult | undefined): { line: string; passed: boolean } {
  if (!result) return { line: '0 passed, 1 failed', passed: false };
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, exitCode } = result;
  const skipped = result.numPendingTests + result.numTodoTests;
  const counted = numFailedTests + numRuntimeErrorTestSuites;
  // jest also ends badly for reasons it does not count, such as a coverage threshold.
  const failed = counted === 0 && exitCode !== 0 ? 1 : counted;
  return {
    line: `${numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    passed: failed === 0 && numPassedTests > 0,
  };
}
