// Runs the architecture rules over one or more folders that hold a `src`, and prints what each breaks as JSON. A process of its
// own: dependency-cruiser is an ESM package with caches of its own, and Jest's module registry makes it several times slower.
import { resolve } from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const root = resolve(import.meta.dirname, '../..');
const { options, ...ruleSet } = await extractConfig(resolve(root, '.dependency-cruiser.cjs'));
const tsConfig = extractTSConfig(resolve(root, 'tsconfig.json'));
const { enhancedResolveOptions, ...cruiseOptions } = options;
delete cruiseOptions.tsConfig;

const broken = {};
for (const baseDir of process.argv.slice(2)) {
  const { output } = await cruise(
    ['src'],
    { ...cruiseOptions, ruleSet, validate: true, baseDir },
    enhancedResolveOptions,
    {
      tsConfig,
    },
  );
  broken[baseDir] = {
    modules: output.summary.totalCruised,
    violations: output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}
process.stdout.write(JSON.stringify(broken));
