import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { expect, test } from 'vitest';
import type { Clock } from '../../lib/clock/clock.js';
import { decodeLog } from '../../lib/store/embedded/encoding.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import type { EmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import type { WriteOperation } from '../../lib/store/store.js';

const WEEK_MS = 7 * 24 * 3_600_000;
/** Between two rounds of writes, in simulated time. STORE_CHURN_STEP_MS=10000 renews leases as often as nodes really do. */
const STEP_MS = Number(process.env['STORE_CHURN_STEP_MS'] ?? 120_000);
const NODES = 20;
const PODS_PER_STEP = 3;
/** A pod is made, becomes scheduled, running and ready, and is deleted after so many steps. */
const POD_LIFE_STEPS = 40;
const LEASE_BYTES = 450;
const POD_BYTES = 1_800;
const TIMEOUT_MS = 600_000;

const FILE_SIZE_MAX_BYTES = 24 * 1_024 * 1_024;
const LEASES = 'coordination.k8s.io/leases';
const PODS = 'core/pods';
const RETENTION_MS = 600_000;

/** Time passes only between the rounds, and no timers fire: compaction has to ride along with the writes. */
class WeekClock implements Clock {
  nowMs = Date.UTC(2026, 0, 1);

  now(): number {
    return this.nowMs;
  }

  setTimer(): () => void {
    return () => undefined;
  }
}

/** Leases renewed for ever, and pods that come and go, each written with what its last write returned. */
class Churn {
  readonly #store: EmbeddedStore;
  readonly #leases = new Map<string, number>();
  readonly #pods: { key: string; revision: number; step: number }[] = [];
  #step = 0;
  #created = 0;

  constructor(store: EmbeddedStore) {
    this.#store = store;
  }

  get pods(): number {
    return this.#pods.length;
  }

  /** Everything of one step at the same time. Returns how long it took. */
  async step(): Promise<number> {
    const startMs = performance.now();
    const step = this.#step++;
    const writes = Array.from({ length: NODES }, (_, node) => this.#renew(`kube-node-lease/node-${node}`));
    const ended = this.#pods.filter((pod) => step - pod.step >= POD_LIFE_STEPS);
    this.#pods.splice(0, ended.length);
    for (const pod of ended)
      writes.push(this.#write(PODS, { ...body(pod.key, POD_BYTES), expect: pod.revision, delete: true }));
    for (const pod of this.#pods) if (step - pod.step <= 3) writes.push(this.#updatePod(pod));
    for (let count = 0; count < PODS_PER_STEP; count++) writes.push(this.#createPod(step));
    await Promise.all(writes);
    return performance.now() - startMs;
  }

  async #renew(key: string): Promise<number> {
    const revision = await this.#write(LEASES, {
      ...body(key, LEASE_BYTES),
      expect: this.#leases.get(key) ?? 'absent',
    });
    this.#leases.set(key, revision);
    return revision;
  }

  async #createPod(step: number): Promise<number> {
    const key = `default/pod-${(this.#created++ * 7_919) % 1_000_003}`;
    const revision = await this.#write(PODS, { ...body(key, POD_BYTES), expect: 'absent' });
    this.#pods.push({ key, revision, step });
    return revision;
  }

  async #updatePod(pod: { key: string; revision: number }): Promise<number> {
    pod.revision = await this.#write(PODS, { ...body(pod.key, POD_BYTES), expect: pod.revision });
    return pod.revision;
  }

  async #write(collection: string, operation: WriteOperation): Promise<number> {
    const [revision] = await this.#store.write(collection, [operation]);
    return revision as number;
  }
}

/** Sizes differ from write to write, as those of real objects do. */
function body(key: string, size: number): { key: string; body: WriteOperation['body'] } {
  return { key, body: (revision) => Buffer.alloc(size + ((revision * 131) % 400), 'x') };
}

test(
  'a week of leases and pods: the file stays bounded, latency flat, and nothing is left behind',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'zeroplane-churn-'));
    const file = join(directory, 'data.mdb');
    const clock = new WeekClock();
    const store = await openEmbeddedStore({ directory, clock, retentionMs: RETENTION_MS });
    const churn = new Churn(store);
    const steps = Math.floor(WEEK_MS / STEP_MS);
    const latenciesMs: number[] = [];
    let earlySizeBytes = 0;
    for (let step = 0; step < steps; step++) {
      latenciesMs.push(await churn.step());
      clock.nowMs += STEP_MS;
      if (step === Math.floor(steps / 5)) earlySizeBytes = (await stat(file)).size;
    }
    const sizeBytes = (await stat(file)).size;
    const written = (await store.revision(LEASES)) + (await store.revision(PODS));

    const tenth = Math.floor(steps / 10);
    const early = quantiles(latenciesMs.slice(tenth, 2 * tenth));
    const late = quantiles(latenciesMs.slice(-tenth));
    console.log('churn:', JSON.stringify({ steps, written, earlySizeBytes, sizeBytes, early, late }));

    expect(sizeBytes).toBeLessThan(FILE_SIZE_MAX_BYTES);
    expect(sizeBytes).toBeLessThan(earlySizeBytes * 1.5);
    expect(written * LEASE_BYTES).toBeGreaterThan(sizeBytes * 3);
    // Generous, because the machine does other things too; growth with the number of writes would be a factor of hundreds.
    expect(late.p50Ms).toBeLessThan(early.p50Ms * 3 + 2);
    expect(late.p99Ms).toBeLessThan(early.p99Ms * 4 + 50);

    await expect(store.changes(LEASES, 1)).rejects.toMatchObject({ code: 'compacted' });
    const objects = NODES + churn.pods;
    await store.close();
    expectNothingLeft(directory, { objects, events: (RETENTION_MS / STEP_MS + 3) * (NODES + PODS_PER_STEP * 6) });
    await rm(directory, { recursive: true, force: true });
  },
  TIMEOUT_MS,
);

/** Looks into the closed file: as many events as retention allows, and of replaced bodies exactly those that these events need. */
function expectNothingLeft(directory: string, expected: { objects: number; events: number }): void {
  const root = open<Buffer, Buffer>({ path: directory, noSubdir: false, readOnly: true, overlappingSync: false });
  const table = (name: string) => root.openDB<Buffer, Buffer>(name, { keyEncoding: 'binary', encoding: 'binary' });
  let events = 0;
  let needed = 0;
  for (const { value } of table('log').getRange()) {
    const { type, previousRevision } = decodeLog(value);
    events++;
    needed += (previousRevision === 0 ? 0 : 1) + (type === 'deleted' ? 1 : 0);
  }
  expect(table('objects').getKeysCount()).toBe(expected.objects);
  expect(events).toBeLessThanOrEqual(expected.events);
  expect(table('bodies').getKeysCount()).toBe(needed);
  void root.close();
}

function quantiles(valuesMs: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (fraction: number): number => Number((sorted[Math.floor(sorted.length * fraction)] as number).toFixed(2));
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
