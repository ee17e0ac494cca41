import { BaseSequencer } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** The longest first, so that no core is idle while the last file runs. */
class LongestFirst extends BaseSequencer {
  override async sort(files: Parameters<BaseSequencer['sort']>[0]): ReturnType<BaseSequencer['sort']> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: (typeof files)[number]): boolean => moduleId.includes('/test/simulation/');
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['{lib,functions,agent,cli,infra,test}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Loading the same modules anew for each file took half of the unit tests' time; a test that alters the process undoes it itself.
    isolate: false,
    sequence: { sequencer: LongestFirst },
  },
});
