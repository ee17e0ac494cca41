import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { EMULATOR_REGION } from '../../scripts/emulator/ministack.js';

/** The CDK, a first start of each function, and a machine that others use too. */
const START_TIMEOUT_MS = 280_000;
const AGENT_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;

/** A child process, what it has said, and its end. */
class Watched {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.exit = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** Resolves once it has printed `ready in … ms`, and what follows it. */
  async ready(what: string, withinMs: number, pattern = /^ready in \d+ ms$/m): Promise<void> {
    const deadlineMs = Date.now() + withinMs;
    while (!pattern.test(this.stdout)) {
      if (this.child.exitCode !== null) throw new Error(`${what} ended: ${this.stderr}`);
      if (Date.now() > deadlineMs) throw new Error(`${what} was not ready in time: ${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await this.exit;
    clearTimeout(timer);
    return code;
  }
}

/** `npm run emulator` in a process of its own, without nodes: tests start theirs. */
export class EmulatorProcess {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-e2e-aws-'));
  readonly kubeconfig = path.join(this.folder, 'kubeconfig');
  readonly #watched: Watched;
  readonly #agents: Watched[] = [];

  constructor(cluster: string) {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { emulator: string } };
    const [, script = ''] = scripts.emulator.split(' ');
    const flags = ['--cluster', cluster, '--port', '0', '--nodes', '0', '--kubeconfig', this.kubeconfig];
    this.#watched = new Watched(['--import', 'tsx', script, ...flags]);
  }

  /** Resolves once the cluster is there. */
  async ready(): Promise<void> {
    await this.#watched.ready('npm run emulator', START_TIMEOUT_MS, /^AWS: http/m);
  }

  /** Where AWS is. */
  get endpoint(): string {
    return /^AWS: (http:\S+),/m.exec(this.#watched.stdout)?.[1] ?? '';
  }

  /** The agent of a simulated node, a process of its own; resolves once the node is Ready. */
  async startNode(cluster: string, node: string, flags: readonly string[]): Promise<{ kill(): Promise<unknown> }> {
    const file = path.join(this.folder, `${node}.kubeconfig`);
    const config = parse(readFileSync(this.kubeconfig, 'utf8')) as { users: [{ user: object }] };
    // Whoever administers the cluster may act as a node.
    Object.assign(config.users[0].user, { as: `system:node:${node}`, 'as-groups': ['system:nodes'] });
    writeFileSync(file, stringify(config), { mode: 0o600 });
    const own = ['--runtime', 'simulated', '--kubeconfig', file, '--node-name', node, '--cluster-name', cluster];
    const agent = new Watched([path.resolve('dist/zeroplane.mjs'), 'agent', ...own, ...flags], {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: EMULATOR_REGION,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
    this.#agents.push(agent);
    await agent.ready(`the agent of ${node}`, AGENT_TIMEOUT_MS);
    return { kill: () => agent.end('SIGKILL') };
  }

  /** Stops it as Ctrl-C does. Resolves with how it ended and whether its kubeconfig was left behind. */
  async stop(): Promise<{ code: number | null; leftKubeconfig: boolean; stderr: string }> {
    await Promise.all(this.#agents.map((agent) => agent.end('SIGTERM')));
    const code = await this.#watched.end('SIGINT');
    const leftKubeconfig = existsSync(this.kubeconfig);
    rmSync(this.folder, { recursive: true, force: true });
    return { code, leftKubeconfig, stderr: this.#watched.stderr };
  }
}
