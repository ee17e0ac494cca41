import { mkdir, rm } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Bundles a program of this folder, so that a child process starts in some 50 ms. The bundle lies below node_modules, where it finds
 * the packages that it does not contain. `remove` deletes it.
 */
export async function bundleProgram(name: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = join(ROOT, 'node_modules/.cache/zeroplane-test', `${name}-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['lmdb'],
    logLevel: 'error',
  });
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The complete lines that a process has written; what was cut off in the middle of a line is left out. */
export class LineReader {
  readonly lines: string[] = [];
  #rest = '';
  #waiting: (() => void)[] = [];
  #ended = false;

  constructor(child: ChildProcess) {
    child.stdout?.setEncoding('utf8');
    child.stdout?.on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n');
      this.#rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#wake();
    });
    // Not only its output: a process that dies closes its files before it is gone.
    child.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Resolves when a line for which `accept` holds is there, or when no more can come. */
  async waitFor(accept: (line: string) => boolean): Promise<void> {
    while (!this.#ended && !this.lines.some(accept)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async end(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Runs a command to its end; its complete output and exit code. */
export async function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
