import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * `npm test`: all tests that can run on this machine. Says at the end what was skipped and what to install for it; with
 * CI=true a skipped end-to-end test is a failure. Further arguments go to vitest.
 */
interface JsonReport {
  numPassedTests: number;
  numFailedTests: number;
  testResults: {
    name: string;
    assertionResults: { status: string; fullName: string; meta?: { skipReason?: string } }[];
  }[];
}

const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-test-'));
const reportFile = path.join(folder, 'report.json');
const vitest = path.resolve('node_modules/vitest/vitest.mjs');
const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${reportFile}`, ...process.argv.slice(2)],
  { stdio: 'inherit', env: process.env.CI === 'true' ? { ...process.env, NO_COLOR: '1' } : process.env },
);

let failedSkips = 0;
try {
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as JsonReport;
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status === 'skipped' || test.status === 'pending' || test.status === 'todo')
      .map((test) => ({ file: path.relative(process.cwd(), file.name), ...test })),
  );
  for (const test of skipped) {
    const endToEnd = test.file.startsWith('test/e2e/');
    if (endToEnd && process.env.CI === 'true') failedSkips++;
    console.log(`skipped: ${test.file}: ${test.fullName}${test.meta?.skipReason ? `: ${test.meta.skipReason}` : ''}`);
  }
  if (failedSkips > 0) console.log(`${failedSkips} end-to-end tests were skipped, which CI does not allow.`);
  console.log(
    `${report.numPassedTests} passed, ${report.numFailedTests + failedSkips} failed, ${skipped.length} skipped`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = run.status !== 0 || failedSkips > 0 ? 1 : 0;
