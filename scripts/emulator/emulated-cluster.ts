import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { awsKubeconfig } from '../../cli/aws-kubeconfig.js';
import { UserError } from '../../cli/errors.js';
import { writeSecret } from '../../cli/secret-files.js';
import { clusterNames } from '../../lib/aws/function-environment.js';
import { cdk } from './cdk.js';
import { openFront, type Front } from './front.js';
import { installMiniStack } from './install-ministack.js';
import { EMULATOR_ACCOUNT, EMULATOR_REGION, MiniStack } from './ministack.js';
import { NodeAgents } from './node-agents.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const COMMAND_LINE = path.join(ROOT, 'dist/zeroplane.mjs');

export interface EmulatedClusterOptions {
  cluster: string;
  /** Of the API server on 127.0.0.1; 0 takes any free one. */
  port: number;
  /** Of AWS on 127.0.0.1; any free one unless given. */
  awsPort?: number;
  kubeconfig: string;
  /** Simulated nodes. */
  nodes: number;
  /** Told of each step that begins. */
  say: (text: string) => void;
  signal: AbortSignal;
}

/** A cluster on an emulator of AWS in this machine: deployed by the ordinary CDK app, behind TLS, with a kubeconfig, and with simulated nodes. */
export class EmulatedCluster {
  readonly emulator: MiniStack;
  readonly front: Front;
  readonly #agents: NodeAgents;
  readonly #cleanUps: (() => unknown)[];

  /** Of parts that run; `start` makes them. */
  constructor(parts: { emulator: MiniStack; front: Front; agents: NodeAgents; cleanUps: (() => unknown)[] }) {
    this.emulator = parts.emulator;
    this.front = parts.front;
    this.#agents = parts.agents;
    this.#cleanUps = parts.cleanUps;
  }

  /** Resolves once kubectl can be used and the nodes are Ready. Throws a `UserError`; then nothing is left behind. */
  static async start(options: EmulatedClusterOptions): Promise<EmulatedCluster> {
    const cleanUps: (() => unknown)[] = [];
    try {
      return await start(options, cleanUps);
    } catch (error) {
      await undo(cleanUps);
      throw options.signal.aborted ? new UserError('stopped before the cluster was there') : error;
    }
  }

  /** What the SDK, the CDK and command lines need in their environment to reach this AWS. */
  get environment(): Record<string, string> {
    return environmentOf(this.emulator);
  }

  /** Rejects when a part of it ends by itself. */
  async failed(): Promise<never> {
    await Promise.race([
      this.emulator.exited().then(() => {
        throw new UserError('MiniStack has ended by itself, and the cluster with it: start again');
      }),
      this.#agents.failed(),
    ]);
    throw new Error('unreachable: one of them has rejected');
  }

  /** Ends everything. What was in the cluster is gone, and so is its kubeconfig. */
  stop(): Promise<void> {
    return undo(this.#cleanUps);
  }
}

async function start(options: EmulatedClusterOptions, cleanUps: (() => unknown)[]): Promise<EmulatedCluster> {
  const { cluster, signal, say } = options;
  if (!existsSync(COMMAND_LINE))
    throw new UserError(
      'there is no dist/zeroplane.mjs, which is part of what is deployed. Make it with: npm run build',
    );
  const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-emulator-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  await installMiniStack(say);
  say('starting MiniStack');
  const emulator = await MiniStack.start(options.awsPort);
  cleanUps.push(() => emulator.stop());
  signal.throwIfAborted();
  const url = await deploy({ cluster, folder, emulator, say, signal });
  const front = await openFront({ target: localUrl(url, emulator), port: options.port });
  cleanUps.push(() => front.close());
  const environment = environmentOf(emulator);
  const kubeconfigOf = (node?: string): string =>
    awsKubeconfig(
      { server: front.server, clusterName: cluster, region: EMULATOR_REGION, ...(node === undefined ? {} : { node }) },
      { node: process.execPath, script: COMMAND_LINE },
      { ca: front.ca, env: environment },
    );
  say('the API server makes its first objects');
  await firstAnswer(`${localUrl(url, emulator)}readyz`, signal);
  writeKubeconfig(options.kubeconfig, kubeconfigOf(), cleanUps);
  const agents = new NodeAgents({ cluster, folder, environment, commandLine: COMMAND_LINE, kubeconfigOf });
  cleanUps.push(() => agents.stop());
  if (options.nodes > 0) say(`${options.nodes} simulated ${options.nodes === 1 ? 'node registers' : 'nodes register'}`);
  await agents.start(options.nodes, signal);
  return new EmulatedCluster({ emulator, front, agents, cleanUps });
}

/** Resolves with the URL of the API server's function, as the stack says it. */
async function deploy(options: {
  cluster: string;
  folder: string;
  emulator: MiniStack;
  say: (text: string) => void;
  signal: AbortSignal;
}): Promise<string> {
  const { cluster, folder, emulator, say, signal } = options;
  const env = environmentOf(emulator);
  const output = path.join(folder, 'cdk.out');
  const outputs = path.join(folder, 'outputs.json');
  say(`cdk synth and cdk bootstrap, with AWS_ENDPOINT_URL=${emulator.endpoint}`);
  const context = [
    `cluster=${cluster}`,
    'deletionProtection=false',
    // MiniStack's functions answer in one piece.
    'streaming=false',
    `admins=arn:aws:iam::${EMULATOR_ACCOUNT}:root`,
  ].flatMap((one) => ['-c', one]);
  await Promise.all([
    cdk(['synth', '--quiet', '--output', output, ...context], { cwd: ROOT, env, signal }),
    // Not in the folder of the app, which it would make once more.
    cdk(['bootstrap', `aws://${EMULATOR_ACCOUNT}/${EMULATOR_REGION}`], { cwd: folder, env, signal }),
  ]);
  say('cdk deploy');
  await cdk(['deploy', '--app', output, '--require-approval', 'never', '--outputs-file', outputs], {
    cwd: folder,
    env,
    signal,
  });
  const stacks = JSON.parse(readFileSync(outputs, 'utf8')) as Record<string, { Url?: string }>;
  const url = stacks[clusterNames(cluster).stack]?.Url;
  if (url === undefined) throw new UserError(`the deployment has no URL among its outputs: ${JSON.stringify(stacks)}`);
  return url;
}

/** The host name in a function's URL is Amazon's: the emulator answers for it under a path of its own. */
function localUrl(functionUrl: string, emulator: MiniStack): string {
  const [id] = new URL(functionUrl).hostname.split('.');
  return `${emulator.endpoint}/_aws/lambda-url/${id}/`;
}

function environmentOf(emulator: MiniStack): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: EMULATOR_REGION,
  };
}

const FIRST_ANSWER_TIMEOUT_MS = 120_000;

async function firstAnswer(url: string, signal: AbortSignal): Promise<void> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(FIRST_ANSWER_TIMEOUT_MS)]);
  for (;;) {
    let said: string;
    try {
      const answer = await fetch(url, { signal: within });
      said = `${answer.status} ${await answer.text()}`;
      if (answer.ok) return;
    } catch (error) {
      said = String(error);
    }
    if (within.aborted) throw new UserError(`the API server's function does not answer at ${url}: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What was there before comes back when the cluster has gone. */
function writeKubeconfig(file: string, text: string, cleanUps: (() => unknown)[]): void {
  try {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true, mode: 0o700 });
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    writeSecret(file, text);
    cleanUps.push(() => (before === undefined ? rmSync(file, { force: true }) : writeSecret(file, before)));
  } catch (error) {
    throw new UserError(
      `the kubeconfig ${file} cannot be written (${(error as Error).message}). Choose another with --kubeconfig`,
      { cause: error },
    );
  }
}

/** The last thing first, and all of them whatever happens. */
async function undo(cleanUps: (() => unknown)[]): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    try {
      await cleanUp();
    } catch (error) {
      process.stderr.write(`zeroplane: something was left behind: ${String(error)}\n`);
    }
  }
}
