import { BaseSequencer } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Those that compute all the time, and those that mostly wait for containers, nodes and functions: in turns, so that the cores are busy. */
const LONG = [
  'simulation/simulation-1',
  'e2e/machines',
  'simulation/simulation-2',
  'e2e/aws',
  'simulation/simulation-3',
  'e2e/agent-alone',
  'simulation/simulation-4',
  'e2e/agent-restarts',
  'simulation/tables',
  'e2e/container-conformance',
  'simulation/planted-defects',
  'e2e/container-bad-input',
  'store/dynamodb-emulators',
  'e2e/container-services',
];

/** The longest first, so that no core is idle while the last file runs. */
class LongestFirst extends BaseSequencer {
  override async sort(files: Parameters<BaseSequencer['sort']>[0]): ReturnType<BaseSequencer['sort']> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: (typeof files)[number]): number => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    return sorted.toSorted((left, right) => rank(left) - rank(right));
  }
}

export default defineConfig({
  test: {
    include: ['{lib,functions,agent,cli,infra,test}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than cores that CI has, since end-to-end tests wait most of the time.
    maxWorkers: 3,
    // Loading the same modules anew for each file took half of the unit tests' time; a test that alters the process undoes it itself.
    isolate: false,
    sequence: { sequencer: LongestFirst },
  },
});
