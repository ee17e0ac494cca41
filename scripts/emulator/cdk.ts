import { spawn } from 'node:child_process';
import path from 'node:path';
import { UserError } from '../../cli/errors.js';

const CDK = path.resolve(import.meta.dirname, '../../node_modules/aws-cdk/bin/cdk');

export interface CdkOptions {
  cwd: string;
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** Each line that it says. */
  onLine?: (line: string) => void;
}

/** Runs the ordinary `cdk` command. Throws a `UserError` with what it said when it fails. */
export async function cdk(args: readonly string[], { cwd, env, signal, onLine }: CdkOptions): Promise<void> {
  const child = spawn(process.execPath, [CDK, ...args, '--no-notices'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    env: { ...process.env, ...env, CDK_DISABLE_CLI_TELEMETRY: 'true', FORCE_COLOR: '0' },
  });
  const lines: string[] = [];
  let rest = '';
  const take = (chunk: Buffer): void => {
    const parts = `${rest}${chunk.toString()}`.split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      onLine?.(line);
    }
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new UserError(`cdk ${args[0]} failed: ${[...lines, rest].slice(-30).join('\n').trim()}`);
}
