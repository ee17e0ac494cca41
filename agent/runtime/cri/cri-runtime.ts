import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../../lib/clock/clock.js';
import {
  RuntimeError,
  type Container,
  type ContainerConfig,
  type LogLine,
  type PullOptions,
  type Runtime,
  type Sandbox,
  type SandboxConfig,
} from '../runtime.js';
import { isCriError, type CriConnection } from './connection.js';
import { criContainer, criSandbox } from './cri-config.js';
import { imageOf, ownerLabels, podLabels, podUidOf, terminationMessageOf, type Owner } from './labels.js';
import { LIST_TIMEOUT_MS, PULL_TIMEOUT_MS, SANDBOX_TIMEOUT_MS, STOP_MARGIN_MS } from './limits.js';
import { logFiles, readLog } from './log-file.js';
import {
  CONTAINER_CREATED,
  CONTAINER_EXITED,
  CONTAINER_RUNNING,
  SANDBOX_READY,
  type CriContainer,
  type CriContainerStatus,
  type PodSandbox,
  type PodSandboxStatus,
} from './messages.js';
import { Relist } from './relist.js';
import { terminationMessage } from './termination.js';

export interface CriRuntimeOptions {
  connection: CriConnection;
  clock: Clock;
  owner: Owner;
  /** `containerd://1.6.20` */
  version: string;
  /** What happened that nobody asked for: a runtime that does not answer. */
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

const STATES: Readonly<Record<number, Container['state']>> = {
  [CONTAINER_CREATED]: 'created',
  [CONTAINER_RUNNING]: 'running',
};

/** The containers of one agent in a CRI runtime (containerd, CRI-O). All it lists, stops and removes carries the agent's labels. */
export class CriRuntime implements Runtime {
  readonly version: string;
  readonly #connection: CriConnection;
  readonly #clock: Clock;
  readonly #owner: Owner;
  readonly #relist: Relist;
  /** Addresses of ready sandboxes and the last word on containers: neither changes any more. */
  readonly #ips = new Map<string, readonly string[]>();
  readonly #ended = new Map<string, Container>();
  readonly #started = new Map<string, Container>();

  constructor(options: CriRuntimeOptions) {
    this.version = options.version;
    this.#connection = options.connection;
    this.#clock = options.clock;
    this.#owner = options.owner;
    this.#relist = new Relist({
      clock: options.clock,
      read: () => this.#states(),
      log: (level, message, data) => options.log(level, message, data),
    });
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    try {
      if (config.real !== undefined) await mkdir(config.real.logDirectory, { recursive: true });
      const { pod_sandbox_id: id } = await this.#connection.runtime<{ pod_sandbox_id: string }>(
        'RunPodSandbox',
        { config: criSandbox(config, this.#owner) },
        { timeoutMs: SANDBOX_TIMEOUT_MS },
      );
      return id;
    } catch (error) {
      throw failed('CreatePodSandboxError', error);
    }
  }

  async stopSandbox(sandboxId: string): Promise<void> {
    await unlessGone(
      this.#connection.runtime('StopPodSandbox', { pod_sandbox_id: sandboxId }, { timeoutMs: SANDBOX_TIMEOUT_MS }),
    );
  }

  async removeSandbox(sandboxId: string): Promise<void> {
    await this.stopSandbox(sandboxId);
    const listed = await this.#containers(sandboxId);
    await unlessGone(this.#connection.runtime('RemovePodSandbox', { pod_sandbox_id: sandboxId }));
    this.#ips.delete(sandboxId);
    for (const { id } of listed) this.#forget(id);
  }

  async listSandboxes(podUid?: string): Promise<Sandbox[]> {
    const items = await this.#sandboxes(podUid);
    return Promise.all(items.map((item) => this.#sandbox(item)));
  }

  async pullImage(image: string, sandbox: SandboxConfig, options: PullOptions = {}): Promise<string> {
    const attempts = [...(options.credentials ?? []), undefined];
    let failure: unknown;
    for (const credential of attempts) {
      const auth =
        credential === undefined
          ? {}
          : {
              auth: {
                username: credential.username,
                password: credential.password,
                identity_token: credential.identityToken ?? '',
              },
            };
      try {
        const { image_ref: reference } = await this.#connection.images<{ image_ref: string }>(
          'PullImage',
          { image: { image }, sandbox_config: criSandbox(sandbox, this.#owner), ...auth },
          { timeoutMs: PULL_TIMEOUT_MS, signal: options.signal },
        );
        return reference;
      } catch (error) {
        failure ??= error;
      }
    }
    throw failed('ErrImagePull', failure);
  }

  async createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string> {
    try {
      const { container_id: id } = await this.#connection.runtime<{ container_id: string }>('CreateContainer', {
        pod_sandbox_id: sandboxId,
        config: criContainer(config, sandbox, this.#owner),
        sandbox_config: criSandbox(sandbox, this.#owner),
      });
      return id;
    } catch (error) {
      throw failed('CreateContainerError', error);
    }
  }

  async startContainer(containerId: string): Promise<void> {
    try {
      await this.#connection.runtime('StartContainer', { container_id: containerId });
    } catch (error) {
      throw failed('RunContainerError', error);
    }
  }

  async stopContainer(containerId: string, graceSeconds: number): Promise<void> {
    await unlessGone(
      this.#connection.runtime(
        'StopContainer',
        { container_id: containerId, timeout: graceSeconds },
        { timeoutMs: graceSeconds * 1000 + STOP_MARGIN_MS },
      ),
    );
  }

  async removeContainer(containerId: string): Promise<void> {
    const file = await this.logFile(containerId);
    await unlessGone(this.#connection.runtime('RemoveContainer', { container_id: containerId }));
    this.#forget(containerId);
    for (const one of file ? await logFiles(file) : []) await rm(one, { force: true });
  }

  async listContainers(sandboxId?: string): Promise<Container[]> {
    const listed = await this.#containers(sandboxId);
    const described = await Promise.all(listed.map((one) => this.#container(one)));
    return described.filter((one) => one !== undefined);
  }

  async *logs(containerId: string, { follow }: { follow: boolean }, signal: AbortSignal): AsyncGenerator<LogLine> {
    const status = await this.#status(containerId);
    if (status === undefined || status.log_path === '') return;
    if (!follow) return yield* readLog(status.log_path);
    yield* readLog(status.log_path, {
      clock: this.#clock,
      signal,
      isLive: async () => (await this.#status(containerId))?.state === CONTAINER_RUNNING,
    });
  }

  onChange(listener: (podUid: string) => void): () => void {
    return this.#relist.subscribe(listener);
  }

  /** The file of a container's log. */
  async logFile(containerId: string): Promise<string | undefined> {
    return (await this.#status(containerId))?.log_path;
  }

  #sandboxes(podUid?: string): Promise<PodSandbox[]> {
    const label_selector = { ...ownerLabels(this.#owner), ...(podUid === undefined ? {} : podLabels(podUid)) };
    return this.#connection
      .runtime<{ items: PodSandbox[] }>(
        'ListPodSandbox',
        { filter: { label_selector } },
        { timeoutMs: LIST_TIMEOUT_MS },
      )
      .then(({ items }) => items);
  }

  #containers(sandboxId?: string): Promise<CriContainer[]> {
    const filter = { label_selector: ownerLabels(this.#owner), pod_sandbox_id: sandboxId ?? '' };
    return this.#connection
      .runtime<{ containers: CriContainer[] }>('ListContainers', { filter }, { timeoutMs: LIST_TIMEOUT_MS })
      .then(({ containers }) => containers);
  }

  /** What is compared from one look to the next: by pod, the state of all it has. */
  async #states(): Promise<Map<string, string>> {
    const [sandboxes, containers] = await Promise.all([this.#sandboxes(), this.#containers()]);
    const states = new Map<string, string>();
    const add = (labels: Readonly<Record<string, string>>, id: string, state: number): void => {
      const uid = podUidOf(labels);
      states.set(uid, `${states.get(uid) ?? ''}${id}=${state};`);
    };
    for (const { labels, id, state } of sandboxes.sort(byId)) add(labels, id, state);
    for (const { labels, id, state } of containers.sort(byId)) add(labels, id, state);
    return states;
  }

  async #sandbox(item: PodSandbox): Promise<Sandbox> {
    const { name = '', namespace = '', uid = '', attempt = 0 } = item.metadata ?? {};
    const isReady = item.state === SANDBOX_READY;
    return {
      id: item.id,
      podUid: uid,
      namespace,
      name,
      attempt,
      state: isReady ? 'ready' : 'not-ready',
      createdAtMs: toMs(item.created_at) ?? 0,
      ips: isReady ? await this.#sandboxIps(item.id) : [],
    };
  }

  async #sandboxIps(id: string): Promise<readonly string[]> {
    const known = this.#ips.get(id);
    if (known !== undefined) return known;
    const answer = await ifThere(
      this.#connection.runtime<{ status: PodSandboxStatus | null }>(
        'PodSandboxStatus',
        { pod_sandbox_id: id },
        { timeoutMs: LIST_TIMEOUT_MS },
      ),
    );
    const network = answer?.status?.network;
    const ips = [network?.ip ?? '', ...(network?.additional_ips ?? []).map(({ ip }) => ip)].filter((ip) => ip !== '');
    if (ips.length > 0) this.#ips.set(id, ips);
    return ips;
  }

  async #container(item: CriContainer): Promise<Container | undefined> {
    const known = (item.state === CONTAINER_RUNNING ? this.#started : this.#ended).get(item.id);
    if (known !== undefined && known.state === (STATES[item.state] ?? 'exited')) return known;
    const status = await this.#status(item.id);
    if (status === undefined) return undefined;
    const { id, pod_sandbox_id: sandboxId, metadata, labels, annotations } = item;
    const container: Container = {
      id,
      sandboxId,
      podUid: podUidOf(labels),
      name: metadata?.name ?? '',
      attempt: metadata?.attempt ?? 0,
      image: imageOf(annotations) ?? status.image?.image ?? '',
      imageId: status.image_ref,
      state: STATES[status.state] ?? 'exited',
      createdAtMs: toMs(status.created_at) ?? 0,
      startedAtMs: toMs(status.started_at),
    };
    if (container.state === 'running') this.#started.set(id, container);
    if (container.state !== 'exited') return container;
    this.#started.delete(id);
    const message = await terminationMessage({
      source: terminationMessageOf(annotations),
      exitCode: status.exit_code,
      runtimeMessage: status.message,
      logFile: status.log_path,
    });
    Object.assign(container, {
      finishedAtMs: toMs(status.finished_at),
      exitCode: status.exit_code,
      reason: status.reason === '' ? (status.exit_code === 0 ? 'Completed' : 'Error') : status.reason,
      ...(message === '' ? {} : { message }),
    });
    // A container whose state the runtime has lost may still come back.
    if (status.state === CONTAINER_EXITED) this.#ended.set(id, container);
    return container;
  }

  async #status(containerId: string): Promise<CriContainerStatus | undefined> {
    const answer = await ifThere(
      this.#connection.runtime<{ status: CriContainerStatus | null }>(
        'ContainerStatus',
        { container_id: containerId },
        { timeoutMs: LIST_TIMEOUT_MS },
      ),
    );
    return answer?.status ?? undefined;
  }

  #forget(containerId: string): void {
    this.#ended.delete(containerId);
    this.#started.delete(containerId);
  }
}

/** The folder of a pod's logs, as the kubelet lays them out. */
export function podLogFolder(root: string, pod: { namespace: string; name: string; podUid: string }): string {
  return path.join(root, `${pod.namespace}_${pod.name}_${pod.podUid}`);
}

function byId(one: { id: string }, other: { id: string }): number {
  return one.id < other.id ? -1 : 1;
}

function toMs(nanoseconds: number): number | undefined {
  return nanoseconds === 0 ? undefined : Math.floor(nanoseconds / 1e6);
}

function failed(code: RuntimeError['code'], error: unknown): RuntimeError {
  return new RuntimeError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

/** What was to be gone is gone. */
async function unlessGone(call: Promise<unknown>): Promise<void> {
  await ifThere(call);
}

async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isCriError(error, 'NotFound')) return undefined;
    throw error;
  }
}
