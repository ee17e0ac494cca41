import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeSecret } from './secret-files.js';

/** What lies where in the folder that `zeroplane up --data` names. */
export function dataFolder(root: string): { root: string; store: string; pki: string; instance: string } {
  const absolute = path.resolve(root);
  return {
    root: absolute,
    store: path.join(absolute, 'store'),
    pki: path.join(absolute, 'pki'),
    instance: path.join(absolute, 'instance.json'),
  };
}

/** How the cluster of a data folder was last reached. */
export interface Instance {
  server: string;
  /** Where nodes on other machines reach it; absent where it serves this machine alone. */
  nodeServer?: string;
}

export function readInstance(file: string): Instance | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Instance) : undefined;
}

export function writeInstance(file: string, instance: Instance): void {
  writeSecret(file, `${JSON.stringify(instance)}\n`);
}
