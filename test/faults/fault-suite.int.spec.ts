import { describe, expect, it } from '@jest/globals';
import { runFaults } from './fault-suite';
import { longForm, shortForm } from './suite-form';

const { FAULTS_SEED, FAULTS_EVENTS, FAULTS_MINUTES } = process.env;
const seed = FAULTS_SEED === undefined ? undefined : Number(FAULTS_SEED);
const form =
  FAULTS_EVENTS === undefined ? shortForm(seed) : longForm(Number(FAULTS_EVENTS), Number(FAULTS_MINUTES), seed);
const limitMs = form.faultsMs === undefined ? 600_000 : 3 * form.faultsMs + 1_800_000;

describe(`several processes under every fault there is (seed ${form.seed})`, () => {
  it(
    'lose nothing, disorder nothing, apply nothing twice',
    async () => {
      const { violations, lines } = await runFaults(form);
      process.stderr.write(`${lines.join('\n')}\n`);
      expect(violations.slice(0, 10)).toEqual([]);
    },
    limitMs,
  );
});
