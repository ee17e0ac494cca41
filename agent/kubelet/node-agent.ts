import { deepEqual } from '../../lib/api/equality.js';
import { isApiError } from '../../lib/api/errors.js';
import type { Client } from '../../lib/client/client.js';
import { leases, nodes } from '../../lib/client/resources.js';
import { formatMicroTime, type Clock } from '../../lib/clock/clock.js';
import type { V1Lease, V1Node } from '../../lib/schema/generated/types.js';
import { nodeObject, type NodeDescription, type NodeInspection } from './node-object.js';

export interface NodeAgentOptions {
  client: Client;
  clock: Clock;
  description: NodeDescription;
  inspect?(): Promise<NodeInspection>;
  /** Lease renewals: 10 s locally, 30 s in the cloud. */
  heartbeatMs: number;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/**
 * Node status is written when it changes, and once in so many heartbeats anyway: with the usual one each five minutes, as kubelet's
 * nodeStatusReportFrequency. Where heartbeats are rarer because requests are billed, so is this, which every other node reads.
 */
const HEARTBEATS_PER_STATUS = 30;

/** A lease lasts four renewals; after that the cluster takes the node for lost. */
const HEARTBEATS_PER_LEASE = 4;

/** After an error of the API. */
const RETRY_MS = 1_000;

const LEASE_NAMESPACE = 'kube-node-lease';

/** Registers the node and keeps it alive: its lease on every heartbeat, its status now and then. */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  #cancelTimer: () => void = () => undefined;
  #lease: V1Lease | undefined;
  #statusWrittenMs = -Infinity;
  /** Asked for since the last write began. */
  #isStatusWanted = false;
  #inspection: NodeInspection | undefined;
  #isStopped = false;
  #beating: Promise<void> | undefined;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
  }

  /** Resolves with the Node once it is registered and Ready. Tries until it is, or until `stop`. */
  async start(): Promise<void> {
    await this.#beat();
  }

  /** No further heartbeats: after the grace period the cluster takes the node for lost. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await this.#beating;
  }

  /** The cluster has a wrong idea of the node (it was taken for lost, or altered): its status is written with the next heartbeat, now. */
  refreshStatus(): void {
    this.#isStatusWanted = true;
    if (this.#isStopped || this.#beating !== undefined) return;
    this.#cancelTimer();
    void this.#beat();
  }

  /** Resolves once the machine has been looked at again and what is new has been told, or could not be. */
  async reportStatus(): Promise<void> {
    await this.#beating;
    this.#cancelTimer();
    if (!this.#isStopped) await this.#beat();
  }

  #beat(): Promise<void> {
    this.#beating = this.#beatOnce().finally(() => {
      this.#beating = undefined;
    });
    return this.#beating;
  }

  async #beatOnce(): Promise<void> {
    const { clock, heartbeatMs, log, description } = this.#options;
    let nextMs = heartbeatMs;
    try {
      await this.#look();
      const statusAgeMs = Math.abs(clock.now() - this.#statusWrittenMs);
      if (this.#isStatusWanted || statusAgeMs >= heartbeatMs * HEARTBEATS_PER_STATUS) await this.#writeStatus();
      await this.#renewLease();
    } catch (error) {
      log('warn', 'heartbeat failed', { node: description.name, error: String(error) });
      nextMs = RETRY_MS;
    }
    if (this.#isStopped) return;
    this.#cancelTimer = clock.setTimer(nextMs, () => void this.#beat());
  }

  /** What has changed of the machine is told. */
  async #look(): Promise<void> {
    const seen = await this.#options.inspect?.();
    if (seen !== undefined && !deepEqual(seen, this.#inspection)) this.#isStatusWanted = true;
    this.#inspection = seen;
  }

  async #writeStatus(): Promise<void> {
    const { client, clock, description } = this.#options;
    const ref = { name: description.name };
    this.#isStatusWanted = false;
    this.#statusWrittenMs = -Infinity;
    let present: V1Node | undefined = await client.find(nodes, ref);
    const wanted = nodeObject(description, present, clock.now(), this.#inspection);
    if (present === undefined) {
      try {
        present = await client.create(nodes, wanted);
      } catch (error) {
        if (!isApiError(error, 'AlreadyExists')) throw error;
      }
    }
    const labels = wanted.metadata?.labels ?? {};
    const stale = Object.entries(labels).some(([key, value]) => present?.metadata?.labels?.[key] !== value);
    if (stale) await client.patch(nodes, ref, 'merge', { metadata: { labels } });
    await client.patch(nodes, ref, 'strategic', { status: wanted.status }, { subresource: 'status' });
    this.#statusWrittenMs = clock.now();
  }

  async #renewLease(): Promise<void> {
    const { client, clock, description, heartbeatMs } = this.#options;
    const { name } = description;
    const present = {
      leaseDurationSeconds: (heartbeatMs * HEARTBEATS_PER_LEASE) / 1000,
      renewTime: formatMicroTime(clock.now()),
    };
    if (this.#lease === undefined) this.#lease = await client.find(leases, { namespace: LEASE_NAMESPACE, name });
    if (this.#lease === undefined) {
      this.#lease = await client.create(leases, {
        metadata: { namespace: LEASE_NAMESPACE, name, ownerReferences: await this.#owner() },
        spec: { holderIdentity: name, ...present },
      });
      return;
    }
    try {
      this.#lease = await client.update(leases, { ...this.#lease, spec: { ...this.#lease.spec, ...present } });
    } catch (error) {
      // Somebody else wrote or removed it: read it again on the next beat.
      this.#lease = undefined;
      throw error;
    }
  }

  /** The lease goes with its node. */
  async #owner(): Promise<NonNullable<V1Lease['metadata']>['ownerReferences']> {
    const { client, description } = this.#options;
    const node = await client.get(nodes, { name: description.name });
    return [{ apiVersion: 'v1', kind: 'Node', name: description.name, uid: node.metadata?.uid ?? '' }];
  }
}
