import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ParameterError } from './errors.js';

/** A folder with what a worker runs: the command line as it was built. Functions and source maps stay behind. */
export function stageWorkerFiles(dist: string): string {
  const present = staged.get(dist);
  if (present !== undefined) return present;
  const bundle = path.join(dist, 'zeroplane.mjs');
  if (!existsSync(bundle))
    throw new ParameterError(`there is no command line in ${dist}, which workers run. Build it with: npm run build`);
  const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-worker-'));
  cpSync(dist, folder, {
    recursive: true,
    filter: (source) => !source.endsWith('.map') && path.relative(dist, source).split(path.sep)[0] !== 'lambda',
  });
  staged.set(dist, folder);
  return folder;
}

/** Of this process: several stacks of one app share the files. */
const staged = new Map<string, string>();
