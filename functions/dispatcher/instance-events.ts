import type { Log } from '../apiserver/registry/context.js';
import { isApiError } from '../../lib/api/errors.js';
import type { Client } from '../../lib/client/client.js';
import { nodes } from '../../lib/client/resources.js';
import { formatTime, type Clock } from '../../lib/clock/clock.js';
import type { V1Node } from '../../lib/schema/generated/types.js';
import type { EventRecorder } from '../../lib/work/event-recorder.js';

/** What EC2 tells of an instance. Nodes are called by their instance's id. */
export interface InstanceEvent {
  instance: string;
  state: 'stopping' | 'stopped' | 'shutting-down' | 'terminated' | 'interruption';
}

const STATES = ['stopping', 'stopped', 'shutting-down', 'terminated'] as const;
const STATE_CHANGE = 'EC2 Instance State-change Notification';
const INTERRUPTION = 'EC2 Spot Instance Interruption Warning';
const INSTANCE = /^i-[0-9a-f]{8,32}$/;

/** An event of EventBridge that says something of an instance; undefined for all others. */
export function readInstanceEvent(event: unknown): InstanceEvent | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  const { source, detail, ...rest } = event as Record<string, unknown>;
  if (source !== 'aws.ec2' || typeof detail !== 'object' || detail === null) return undefined;
  const { 'instance-id': instance, state } = detail as Record<string, unknown>;
  if (typeof instance !== 'string' || !INSTANCE.test(instance)) return undefined;
  if (rest['detail-type'] === INTERRUPTION) return { instance, state: 'interruption' };
  const known = STATES.find((one) => one === state);
  return rest['detail-type'] === STATE_CHANGE && known !== undefined ? { instance, state: known } : undefined;
}

/**
 * Takes what EC2 says as what a node that is silent would make known a grace period later: one that stops is not ready from now on, one that
 * is gone is deleted, and one that will be taken back gets no more pods. Events of instances that are no nodes are nobody's.
 */
export async function takeInstanceEvent(
  { instance, state }: InstanceEvent,
  parts: { client: Client; events: EventRecorder; clock: Clock; log: Log },
): Promise<void> {
  const { client, events, clock, log } = parts;
  const node = await client.find(nodes, { name: instance });
  if (node === undefined) return;
  log.info({ node: instance, state }, 'EC2 tells of an instance');
  try {
    if (state === 'terminated') {
      await events.normal(node, 'DeletingNode', `Deleting node ${instance} because its instance is terminated`);
      await client.ensureDeleted(nodes, { name: instance });
    } else if (state === 'interruption') {
      await client.patch(nodes, { name: instance }, 'merge', { spec: { unschedulable: true } });
      await events.warning(node, 'SpotInterruption', 'EC2 takes the instance back in two minutes');
    } else {
      const conditions = lost(node, `EC2 says that the instance is ${state}`, formatTime(clock.now()));
      await client.patch(nodes, { name: instance }, 'strategic', { status: { conditions } }, { subresource: 'status' });
    }
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}

/** The node's readiness is no longer known, as when it has been silent for too long. */
function lost(node: V1Node, message: string, now: string): object[] {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const lastTransitionTime = ready?.status === 'Unknown' ? ready.lastTransitionTime : now;
  return [{ ...ready, type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime }];
}
