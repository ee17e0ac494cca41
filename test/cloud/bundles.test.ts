import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/aws/function-environment.js';
import { LAZY_PACKAGES } from '../../lib/lazy-package.js';
import { ensureBuilt } from '../support/built.js';

// The bundles may have to be built first.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const FOLDER = 'dist/lambda';

/** What a cold start has to load: the entry, and the chunks that it imports at once. */
const START_MAX_BYTES = 1_150_000;
/** With what is loaded when it is first needed: expressions, definitions, OpenAPI, YAML, RE2, cron. */
const ALL_MAX_BYTES = 1_680_000;

/**
 * Processor time of an import, Node's own start left out. On a machine with nothing else to do it is below 150 ms; here others are at work, so
 * the best of some attempts counts.
 */
const IMPORT_GOAL_CPU_MS = 150;
const IMPORT_MAX_CPU_MS = 400;
const IMPORT_ATTEMPTS_MAX = 4;

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
    expect(sizeOf(folder, [...startOf(folder)])).toBeLessThan(START_MAX_BYTES);
    const late = readdirSync(join(folder, 'node_modules')).map((file) => join('node_modules', file));
    expect(sizeOf(folder, [...scriptsOf(folder), ...late])).toBeLessThan(ALL_MAX_BYTES);
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
    let best = Infinity;
    for (let attempt = 0; attempt < IMPORT_ATTEMPTS_MAX && best > IMPORT_GOAL_CPU_MS; attempt++) {
      const out = execFileSync(
        process.execPath,
        ['--no-warnings', '--input-type=module', '-e', MEASURE, join(process.cwd(), folder, 'index.mjs')],
        { encoding: 'utf8', cwd: '/', env: ENVIRONMENT },
      );
      const { type, ms } = JSON.parse(out) as { type: string; ms: number };
      expect(type).toBe('function');
      best = Math.min(best, ms);
    }
    expect(best).toBeLessThan(IMPORT_MAX_CPU_MS);
  });

  it('carries what it loads late, and every chunk can be loaded', async () => {
    const require = createRequire(join(process.cwd(), folder, 'index.mjs'));
    for (const name of LAZY_PACKAGES) {
      expect(require.resolve(name)).toBe(join(process.cwd(), folder, 'node_modules', `${name}.js`));
      expect(Object.keys(require(name) as object).length).toBeGreaterThan(0);
    }
    for (const chunk of scriptsOf(folder).filter((file) => file !== 'index.mjs'))
      await import(/* @vite-ignore */ join(process.cwd(), folder, chunk));
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

function scriptsOf(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.endsWith('.mjs'));
}

/** The entry and all that it imports without being asked to, directly or not. */
function startOf(folder: string, file = 'index.mjs', found = new Set<string>()): Set<string> {
  found.add(file);
  const text = readFileSync(join(folder, file), 'utf8');
  for (const [, chunk = ''] of text.matchAll(/\b(?:from|import)"\.\/([\w.-]+\.mjs)"/g))
    if (!found.has(chunk)) startOf(folder, chunk, found);
  return found;
}

function sizeOf(folder: string, files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}
