import { describe, expect, it } from '@jest/globals';
import { javaMajor } from './kafka-jars';

describe('the version of Java', () => {
  it('is read from what java -version prints', () => {
    expect(javaMajor('openjdk version "17.0.15" 2025-04-15')).toBe(17);
    expect(javaMajor('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21" 2023-09-19')).toBe(21);
    expect(javaMajor('java version "1.8.0_392"')).toBe(8);
    expect(javaMajor('nonsense')).toBeUndefined();
  });
});
