import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BUNDLE = 'dist/zeroplane.mjs';
const SOURCES = ['cli', 'functions', 'lib', 'agent', 'scripts/build.ts', 'package-lock.json'];
const LOCK = '.cache/build.lock';

/** A build takes about a second: a lock older than this was left by somebody who died. */
const LOCK_MAX_MS = 60_000;

let built: Promise<void> | undefined;

/** Resolves once dist/ is there and no older than its sources. Builds it at most once, also when several test processes ask. */
export function ensureBuilt(): Promise<void> {
  built ??= build();
  return built;
}

async function build(): Promise<void> {
  mkdirSync('.cache', { recursive: true });
  while (isStale()) {
    if (!takeLock()) {
      await sleep(100);
      continue;
    }
    try {
      if (!isStale()) return;
      const run = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { encoding: 'utf8' });
      if (run.status !== 0) throw new Error(`the build failed: ${run.stderr}${run.stdout}`);
      return;
    } finally {
      rmSync(LOCK, { recursive: true, force: true });
    }
  }
}

function takeLock(): boolean {
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    const age = Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > LOCK_MAX_MS) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

function isStale(): boolean {
  const bundle = statSync(BUNDLE, { throwIfNoEntry: false });
  return bundle === undefined || SOURCES.some((source) => newest(source) > bundle.mtimeMs);
}

function newest(source: string): number {
  const { mtimeMs } = statSync(source);
  if (path.extname(source) !== '') return mtimeMs;
  let newestMs = 0;
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.test.ts')) continue;
    newestMs = Math.max(newestMs, statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newestMs;
}
