import type { Clock } from '../../../lib/clock/clock.js';
import { randomUuid, type Random } from '../../../lib/random.js';
import {
  RuntimeError,
  type Container,
  type ContainerConfig,
  type LogLine,
  type Runtime,
  type Sandbox,
  type SandboxConfig,
} from '../runtime.js';
import { SandboxAddresses } from './sandbox-addresses.js';

/** Pod annotations that script a simulated pod. */
export const ANNOTATION_PREFIX = 'simulated.zeroplane.dev/';

/** How long a Job's container runs when nothing is scripted: a moment. */
const JOB_RUN_MS = 500;

/** The labels by which the Job controller marks its pods. */
const JOB_LABELS = ['batch.kubernetes.io/job-name', 'job-name'];

interface SimulatedContainer extends Container {
  script: { exitCode: number; runMs: number } | undefined;
  cancelExit: () => void;
  /** Those who follow its log. */
  followers: Set<() => void>;
}

/**
 * Containers that exist as records only: they start at once and run until stopped, those of Jobs exit 0 after a moment. Scripted by
 * pod annotations under ANNOTATION_PREFIX: `exit-code` (and with it `run-ms`, default 500) lets containers exit, `pull` is
 * `error` or a number of milliseconds that a pull takes. (`ready` is the prober's, see simulated-prober.ts.)
 */
export class SimulatedRuntime implements Runtime {
  readonly version = 'simulated://0.1.0';
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, SimulatedContainer>();
  readonly #addresses = new SandboxAddresses();
  #listeners: ((podUid: string) => void)[] = [];

  constructor(options: { clock: Clock; random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Pods get their IPs from here on. */
  setPodCidr(cidr: string): void {
    this.#addresses.setRange(cidr);
  }

  runSandbox(config: SandboxConfig): Promise<string> {
    const id = randomUuid(this.#random).replaceAll('-', '');
    const ips = config.hostNetwork ? [] : [this.#addresses.take(id)];
    const { podUid, namespace, name, attempt } = config;
    const createdAtMs = this.#clock.now();
    this.#sandboxes.set(id, { id, podUid, namespace, name, attempt, state: 'ready', createdAtMs, ips });
    return Promise.resolve(id);
  }

  stopSandbox(sandboxId: string): Promise<void> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox === undefined || sandbox.state === 'not-ready') return Promise.resolve();
    for (const container of this.#containers.values()) {
      if (container.sandboxId === sandboxId) this.#end(container, KILLED);
    }
    this.#addresses.release(sandboxId);
    this.#sandboxes.set(sandboxId, { ...sandbox, state: 'not-ready', ips: [] });
    return Promise.resolve();
  }

  async removeSandbox(sandboxId: string): Promise<void> {
    await this.stopSandbox(sandboxId);
    for (const container of this.#containers.values()) {
      if (container.sandboxId === sandboxId) this.#containers.delete(container.id);
    }
    this.#sandboxes.delete(sandboxId);
  }

  listSandboxes(podUid?: string): Promise<Sandbox[]> {
    const all = [...this.#sandboxes.values()];
    return Promise.resolve(podUid === undefined ? all : all.filter((sandbox) => sandbox.podUid === podUid));
  }

  async pullImage(image: string, sandbox: SandboxConfig): Promise<string> {
    const script = sandbox.annotations[`${ANNOTATION_PREFIX}pull`];
    if (script === 'error') {
      throw new RuntimeError('ErrImagePull', `failed to pull image ${JSON.stringify(image)}: the simulation says so`);
    }
    const pullMs = Number(script ?? 0);
    if (pullMs > 0) await new Promise<void>((resolve) => this.#clock.setTimer(pullMs, resolve));
    return `simulated://${image}`;
  }

  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string> {
    if (this.#sandboxes.get(sandboxId)?.state !== 'ready') {
      throw new RuntimeError('CreateContainerError', `sandbox ${sandboxId} is not running`);
    }
    const id = randomUuid(this.#random).replaceAll('-', '');
    const { name, attempt, image, imageId } = config;
    this.#containers.set(id, {
      id,
      sandboxId,
      podUid: sandbox.podUid,
      name,
      attempt,
      image,
      imageId,
      state: 'created',
      createdAtMs: this.#clock.now(),
      script: scriptOf(sandbox),
      cancelExit: () => undefined,
      followers: new Set(),
    });
    return Promise.resolve(id);
  }

  startContainer(containerId: string): Promise<void> {
    const container = this.#containers.get(containerId);
    if (container === undefined) throw new RuntimeError('RunContainerError', `container ${containerId} is gone`);
    container.state = 'running';
    container.startedAtMs = this.#clock.now();
    const { script } = container;
    if (script !== undefined) {
      container.cancelExit = this.#clock.setTimer(script.runMs, () => {
        this.#end(container, script.exitCode);
        this.#announce(container.podUid);
      });
    }
    return Promise.resolve();
  }

  stopContainer(containerId: string, _graceSeconds: number): Promise<void> {
    const container = this.#containers.get(containerId);
    // A simulated container heeds TERM at once, like a well-behaved server.
    if (container !== undefined) this.#end(container, 0);
    return Promise.resolve();
  }

  removeContainer(containerId: string): Promise<void> {
    const container = this.#containers.get(containerId);
    if (container !== undefined) letGo(container);
    this.#containers.delete(containerId);
    return Promise.resolve();
  }

  listContainers(sandboxId?: string): Promise<Container[]> {
    const listed: Container[] = [];
    for (const one of this.#containers.values()) {
      // A copy: what is read must not change afterwards, as with a real runtime.
      if (sandboxId === undefined || one.sandboxId === sandboxId) listed.push({ ...one });
    }
    return Promise.resolve(listed);
  }

  async *logs(containerId: string, { follow }: { follow: boolean }, signal: AbortSignal): AsyncGenerator<LogLine> {
    const container = this.#containers.get(containerId);
    if (container === undefined) return;
    const timeMs = container.startedAtMs ?? container.createdAtMs;
    yield { timeMs, text: `simulated container ${container.name} of image ${container.image}` };
    if (!follow || container.state === 'exited' || signal.aborted) return;
    await new Promise<void>((resolve) => {
      container.followers.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  onChange(listener: (podUid: string) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => (this.#listeners = this.#listeners.filter((one) => one !== listener));
  }

  /** Ends everything as a power cut would: the records are gone, nobody is told. */
  powerOff(): void {
    for (const container of this.#containers.values()) letGo(container);
    this.#containers.clear();
    this.#sandboxes.clear();
    this.#listeners = [];
  }

  #end(container: SimulatedContainer, exitCode: number): void {
    if (container.state === 'exited') return;
    letGo(container);
    container.state = 'exited';
    container.finishedAtMs = this.#clock.now();
    container.exitCode = exitCode;
    container.reason = exitCode === 0 ? 'Completed' : 'Error';
  }

  #announce(podUid: string): void {
    for (const listener of this.#listeners) listener(podUid);
  }
}

function letGo(container: SimulatedContainer): void {
  container.cancelExit();
  for (const follower of container.followers) follower();
  container.followers.clear();
}

/** 128 + SIGKILL. */
const KILLED = 137;

/** When and how the containers of a pod exit by themselves; undefined: never. */
function scriptOf(sandbox: SandboxConfig): { exitCode: number; runMs: number } | undefined {
  const exitCode = sandbox.annotations[`${ANNOTATION_PREFIX}exit-code`];
  const runMs = sandbox.annotations[`${ANNOTATION_PREFIX}run-ms`];
  const isJob = JOB_LABELS.some((label) => sandbox.labels[label] !== undefined);
  if (exitCode === undefined && runMs === undefined && !isJob) return undefined;
  return { exitCode: Number(exitCode ?? 0) || 0, runMs: Math.max(0, Number(runMs ?? JOB_RUN_MS) || 0) };
}
