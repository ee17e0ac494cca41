import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/aws/function-environment.js';
import { ensureBuilt } from '../support/built.js';

// The bundles may have to be built first.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const FOLDER = 'dist/lambda';

/** What a cold start has to load. The goal is a megabyte; what is above it are CEL, RE2 and YAML. */
const START_MAX_BYTES = 1_700_000;
/** With what only the first start of a cluster loads. */
const ALL_MAX_BYTES = 2_000_000;

/** Processor time of an import, Node's own start left out. On a machine with nothing else to do it is below 150 ms; here others are at work. */
const IMPORT_MAX_CPU_MS = 800;

const ENVIRONMENT = {
  ZEROPLANE_CLUSTER: 'one',
  ZEROPLANE_TABLE: 'objects',
  ZEROPLANE_HEARTBEAT_TABLE: 'heartbeats',
  ZEROPLANE_WORK_QUEUE_URL: 'https://sqs.test/1/work.fifo',
  ZEROPLANE_SCHEDULER_QUEUE_URL: 'https://sqs.test/1/scheduler.fifo',
  ZEROPLANE_DELAY_QUEUE_URL: 'https://sqs.test/1/delay',
  ZEROPLANE_SIGNING_KEYS_PARAMETER: '/keys',
  ZEROPLANE_AUTHORITY_PARAMETER: '/authority',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
};

const MEASURE = `
  const before = process.cpuUsage();
  const { handler } = await import(process.argv[1]);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ type: typeof handler, ms: (user + system) / 1000 }));
`;

describe.each(FUNCTION_NAMES)('the bundle of %s', (name) => {
  const folder = join(FOLDER, name);
  beforeAll(ensureBuilt);

  it('is small, and whole', () => {
    const scripts = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
    const all = scripts.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    expect(statSync(join(folder, 'index.mjs')).size).toBeLessThan(START_MAX_BYTES);
    expect(all).toBeLessThan(ALL_MAX_BYTES);
    expect(readdirSync(join(folder, 'generated')).sort()).toEqual([
      'descriptions.json',
      'protobuf.json',
      'schemas.json',
    ]);
    // Minified: a line has many statements.
    const text = readFileSync(join(folder, 'index.mjs'), 'utf8');
    expect(text.length / text.split('\n').length).toBeGreaterThan(500);
  });

  it('is imported quickly, with nothing beside it', () => {
    const out = execFileSync(
      process.execPath,
      ['--no-warnings', '--input-type=module', '-e', MEASURE, join(process.cwd(), folder, 'index.mjs')],
      { encoding: 'utf8', cwd: '/', env: ENVIRONMENT },
    );
    const { type, ms } = JSON.parse(out) as { type: string; ms: number };
    expect(type).toBe('function');
    expect(ms).toBeLessThan(IMPORT_MAX_CPU_MS);
  });

  it('says which variables are missing', () => {
    let said = '';
    try {
      execFileSync(process.execPath, ['--no-warnings', join(process.cwd(), folder, 'index.mjs')], {
        encoding: 'utf8',
        stdio: 'pipe',
        env: { ...ENVIRONMENT, ZEROPLANE_TABLE: '', ZEROPLANE_LOG_LEVEL: 'loud' },
      });
    } catch (error) {
      said = (error as { stderr: string }).stderr;
    }
    expect(said).toContain('ZEROPLANE_TABLE: ');
    expect(said).toContain('ZEROPLANE_LOG_LEVEL: is not debug, info, warn or error');
  });
});
