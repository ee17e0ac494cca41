/**
 * `npm run emulator`: a cluster on an emulator of AWS, on a machine with Node.js and Python and nothing else. Deploys the CDK app as it is
 * deployed to an account, and stays in the foreground until SIGINT or SIGTERM.
 */
import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { UserError } from '../cli/errors.js';
import { EmulatedCluster } from './emulator/emulated-cluster.js';
import { installMiniStack } from './emulator/install-ministack.js';

const port = z.coerce.number('is not a number').int('is not a whole number').min(0).max(65_535, 'is above 65535');

const schema = z.object({
  cluster: z.string().regex(/^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/, 'is not a name of lower-case letters and digits'),
  port,
  awsPort: port.min(1, 'is below 1').optional(),
  kubeconfig: z.string().min(1, 'is empty'),
  nodes: z.coerce.number('is not a number').int('is not a whole number').min(0, 'is below 0').max(20, 'is above 20'),
  installOnly: z.boolean().default(false),
});

const program = new Command('npm run emulator --')
  .description(
    'A cluster on MiniStack, an emulator of AWS that it fetches: for trying and testing the form on AWS without an account.',
  )
  .option('--cluster <name>', 'its name', 'demo')
  .option('--port <port>', 'of the API server on 127.0.0.1; 0 takes any free one', '6443')
  .option('--aws-port <port>', 'of the emulated AWS on 127.0.0.1 (default: any free one)')
  .option('--kubeconfig <file>', 'where to write the kubeconfig', '.zeroplane/emulator.kubeconfig')
  .option('--nodes <count>', 'simulated nodes', '1')
  .option('--install-only', 'fetch the emulator and do no more')
  .showHelpAfterError();

function parse(): z.infer<typeof schema> {
  const result = schema.safeParse(program.parse().opts());
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const flag = String(issue?.path[0] ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UserError(`--${flag} ${issue?.message ?? 'is not valid'}. See: npm run emulator -- --help`);
}

async function main(): Promise<void> {
  const { installOnly, kubeconfig, ...options } = parse();
  const say = (text: string): void =>
    void process.stderr.write(`${(performance.now() / 1_000).toFixed(1).padStart(6)} s  ${text}\n`);
  if (installOnly) return installMiniStack(say);
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) =>
    stop.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
  const cluster = await EmulatedCluster.start({
    ...options,
    kubeconfig: path.resolve(kubeconfig),
    say,
    signal: stop.signal,
  });
  try {
    const { AWS_ENDPOINT_URL } = cluster.environment;
    process.stdout.write(`ready in ${Math.round(performance.now())} ms\n`);
    process.stdout.write(
      `API server: ${cluster.front.server}; use it with: export KUBECONFIG=${path.resolve(kubeconfig)}\n`,
    );
    process.stdout.write(`AWS: ${AWS_ENDPOINT_URL}, its log: ${cluster.emulator.logFile}\n`);
    await Promise.race([stopped, cluster.failed()]);
    say('stopping');
  } finally {
    await cluster.stop();
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`zeroplane: ${error.message}\n`);
  process.exitCode = 1;
}
