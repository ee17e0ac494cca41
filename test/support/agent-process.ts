import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

const READY_TIMEOUT_MS = 80_000;

export interface AgentProcessOptions {
  kubeconfig: string;
  nodeName: string;
  criSocket: string;
  data: string;
  flags?: readonly string[];
  /** A network namespace to run in: `/run/netns/node-a`. */
  netns?: string;
}

/** A `zeroplane agent` of the built command line, in a process of its own. */
export class AgentProcess {
  readonly #child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #exit: Promise<number | null>;

  constructor(options: AgentProcessOptions) {
    const { kubeconfig, nodeName, criSocket, data, flags = [], netns } = options;
    const prefix = netns === undefined ? [] : ['nsenter', `--net=${netns}`];
    const [file = '', ...args] = [
      ...prefix,
      process.execPath,
      path.resolve('dist/zeroplane.mjs'),
      'agent',
      '--kubeconfig',
      kubeconfig,
      '--node-name',
      nodeName,
      '--cri-socket',
      criSocket,
      '--data',
      data,
      '--kubelet-port',
      '0',
      ...flags,
    ];
    this.#child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#exit = new Promise((resolve) => this.#child.on('close', (code) => resolve(code)));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves once it has said that its node is Ready. */
  async ready(): Promise<this> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!/^ready in \d+ ms$/m.test(this.stdout)) {
      if (this.#child.exitCode !== null) throw new Error(`zeroplane agent ended: ${this.stderr}`);
      if (Date.now() > deadline) throw new Error(`zeroplane agent was not ready in time: ${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this;
  }

  /** Ends it: SIGKILL as a crash does, SIGTERM in order. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.#exit;
  }
}
