import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ParameterError } from './errors.js';

/** Packages that the command line's bundle loads beside itself, and that the agent needs. */
const PACKAGES_BESIDE = ['@peculiar/x509', 'reflect-metadata'];

/**
 * A folder with what a worker runs: the command line as it was built, and the packages that are not in its bundle. Functions and source maps
 * stay behind.
 */
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
  const modules = path.join(folder, 'node_modules');
  mkdirSync(modules);
  for (const [name, source] of closure(PACKAGES_BESIDE, path.resolve('package.json')))
    cpSync(source, path.join(modules, name), { recursive: true, dereference: true });
  staged.set(dist, folder);
  return folder;
}

/** Of this process: several stacks of one app share the files. */
const staged = new Map<string, string>();

/** The packages and all they depend on, by name, with their folders. */
function closure(names: readonly string[], from: string, found = new Map<string, string>()): Map<string, string> {
  const require = createRequire(from);
  for (const name of names) {
    if (found.has(name)) continue;
    const folder = (require.resolve.paths(name) ?? [])
      .map((modules) => path.join(modules, name))
      .find((candidate) => existsSync(path.join(candidate, 'package.json')));
    if (folder === undefined) throw new ParameterError(`the package ${name} is not installed. Run: npm ci`);
    found.set(name, folder);
    const manifest = path.join(folder, 'package.json');
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    closure(Object.keys(dependencies), manifest, found);
  }
  return found;
}
