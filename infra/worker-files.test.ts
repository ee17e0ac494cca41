import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ensureBuilt } from '../test/support/built.js';
import { stageWorkerFiles } from './worker-files.js';

beforeAll(ensureBuilt, 180_000);

test('what a worker fetches is whole: it runs, and reads a kubeconfig, where nothing is installed', () => {
  const folder = stageWorkerFiles('dist');
  const kubeconfig = path.join(mkdtempSync(path.join(tmpdir(), 'zeroplane-kubeconfig-')), 'config');
  writeFileSync(kubeconfig, 'apiVersion: v1\nkind: Config\ncurrent-context: none\n');
  const agent = ['agent', '--kubeconfig', kubeconfig, '--node-name', 'i-1'];
  const run = spawnSync(process.execPath, [path.join(folder, 'zeroplane.mjs'), ...agent], {
    encoding: 'utf8',
    cwd: folder,
  });
  expect(run.stderr).toBe(`zeroplane: the kubeconfig ${kubeconfig} names no server in its current context\n`);
  expect(run.status).toBe(1);
});
