import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { UserError } from '../../cli/errors.js';
import { writeSecret } from '../../cli/secret-files.js';

export interface NodeAgentsOptions {
  cluster: string;
  /** For their kubeconfigs. */
  folder: string;
  environment: Readonly<Record<string, string>>;
  commandLine: string;
  kubeconfigOf: (node: string) => string;
}

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 10_000;

interface RunningAgent {
  readonly node: string;
  readonly child: ChildProcess;
  readonly exit: Promise<void>;
  said: string;
}

/** Agents of simulated nodes, each a process as on a machine of its own. */
export class NodeAgents {
  readonly #options: NodeAgentsOptions;
  readonly #agents: RunningAgent[] = [];
  #isStopping = false;

  constructor(options: NodeAgentsOptions) {
    this.#options = options;
  }

  /** Resolves once all are Ready. */
  async start(count: number, signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => this.#startOne(`node-${index + 1}`, signal)));
  }

  /** Rejects when one ends by itself. */
  async failed(): Promise<never> {
    return new Promise((_, reject) => {
      for (const { node, exit } of this.#agents)
        void exit.then(() => {
          if (!this.#isStopping) reject(new UserError(`the agent of ${node} has ended by itself: ${this.#said(node)}`));
        });
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(
      this.#agents.map(async ({ child, exit }) => {
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
        await exit;
        clearTimeout(timer);
      }),
    );
  }

  async #startOne(node: string, signal: AbortSignal): Promise<void> {
    const { cluster, folder, environment, commandLine, kubeconfigOf } = this.#options;
    const kubeconfig = path.join(folder, `${node}.kubeconfig`);
    writeSecret(kubeconfig, kubeconfigOf(node));
    const child = spawn(
      process.execPath,
      [
        commandLine,
        'agent',
        '--runtime',
        'simulated',
        '--kubeconfig',
        kubeconfig,
        '--node-name',
        node,
        '--cluster-name',
        cluster,
      ],
      // A group of its own: it is told to stop after what depends on it.
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment }, detached: true },
    );
    const exit = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const agent: RunningAgent = { node, child, exit, said: '' };
    this.#agents.push(agent);
    const ready = new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('ready in')) resolve();
      });
    });
    child.stderr?.on('data', (chunk: Buffer) => (agent.said = `${agent.said}${chunk.toString()}`.slice(-2_000)));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), READY_TIMEOUT_MS);
      signal.addEventListener('abort', () => resolve('late'), { once: true });
    });
    const how = await Promise.race([ready, exit.then(() => 'ended' as const), late]);
    clearTimeout(timer);
    signal.throwIfAborted();
    if (how !== undefined) throw new UserError(`the node ${node} did not become Ready: ${this.#said(node)}`);
  }

  #said(node: string): string {
    return this.#agents.find((agent) => agent.node === node)?.said.trim() || 'it said nothing';
  }
}
