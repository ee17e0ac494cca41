import { sleep, type Clock } from '../../lib/clock/clock.js';
import type { Kubelet } from '../kubelet/kubelet.js';
import type { PodEnvironment } from '../kubelet/pod-environment.js';
import type { CriConnection } from '../runtime/cri/connection.js';
import type { CriRuntime } from '../runtime/cri/cri-runtime.js';
import { LOG_CHECK_INTERVAL_MS } from '../runtime/cri/limits.js';
import { rotateLog } from '../runtime/cri/log-rotation.js';
import type { ImageCleanup } from './image-cleanup.js';
import type { StorageLimits } from './storage-limits.js';
import { CLEANUP_INTERVAL_MS, PRESSURE_INTERVAL_MS } from './thresholds.js';

export interface HousekeepingOptions {
  clock: Clock;
  kubelet: Kubelet;
  runtime: CriRuntime;
  connection: CriConnection;
  environment: PodEnvironment;
  imageCleanup: ImageCleanup;
  storageLimits: StorageLimits;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** What has to be done now and then: logs are rotated, and what nobody needs any more goes. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = Promise.all([
      this.#every(LOG_CHECK_INTERVAL_MS, 'logs were not rotated', () => this.#rotate()),
      this.#every(PRESSURE_INTERVAL_MS, 'limits of storage were not checked', () =>
        this.#options.storageLimits.check(),
      ),
      this.#every(CLEANUP_INTERVAL_MS, 'leftovers were not removed', () => this.clean()),
      this.#every(CLEANUP_INTERVAL_MS, 'images were not cleaned up', () => this.#options.imageCleanup.run()),
    ]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #every(intervalMs: number, failure: string, step: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      try {
        await step();
      } catch (error) {
        log('warn', failure, { error: String(error) });
      }
      await sleep(clock, intervalMs, signal);
      if (signal.aborted) return;
    }
  }

  async #rotate(): Promise<void> {
    const { runtime, connection, clock } = this.#options;
    for (const { id, state } of await runtime.listContainers()) {
      if (state !== 'running') continue;
      const file = await runtime.logFile(id);
      if (file) await rotateLog(connection, { id, file }, clock.now());
    }
  }

  /** Removes what belongs to pods that this node no longer has. */
  async clean(): Promise<void> {
    const { kubelet, environment } = this.#options;
    await kubelet.removeStrangers();
    for (const uid of await environment.known()) if (!kubelet.hasPod(uid)) await environment.release(uid);
  }
}
