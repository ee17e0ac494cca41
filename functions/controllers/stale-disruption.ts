import { keyOf, parseKey } from '../../lib/client/client.js';
import { pods } from '../../lib/client/resources.js';
import { formatTime } from '../../lib/clock/clock.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { watch, type Controller, type Outcome } from '../../lib/work/controller.js';
import { isBeingDeleted } from './shared/owners.js';
import { isPodTerminal, podCondition } from './shared/pods.js';

/** A disruption that was announced and did not happen for this long is called off. */
const STALE_DISRUPTION_MS = 120_000;

/** Takes the condition DisruptionTarget back from pods that were to be disrupted and were not. */
export const staleDisruptionController: Controller = {
  name: 'stale-disruption',
  watches: [watch(pods, ({ object, type }) => (type !== 'deleted' && isTargeted(object) ? [keyOf(object)] : []))],
  async reconcile(key, context): Promise<Outcome> {
    const { namespace, name } = parseKey(key);
    const pod = (await context.view(pods)).get(namespace, name);
    if (pod === undefined || !isTargeted(pod)) return;
    const since = Date.parse(podCondition(pod, 'DisruptionTarget')?.lastTransitionTime ?? '');
    const nowMs = context.clock.now();
    const requeueAfterMs = since + STALE_DISRUPTION_MS - nowMs;
    if (requeueAfterMs > 0) return { requeueAfterMs };
    const lastTransitionTime = formatTime(nowMs);
    const conditions = pod.status?.conditions?.map((condition) =>
      condition.type === 'DisruptionTarget' ? { type: condition.type, status: 'False', lastTransitionTime } : condition,
    );
    await context.client.updateStatus(pods, { ...pod, status: { ...pod.status, conditions } });
  },
};

/** What the kubelet itself ends, and what has ended, stays marked. */
function isTargeted(pod: V1Pod): boolean {
  const condition = podCondition(pod, 'DisruptionTarget');
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return false;
  return !isBeingDeleted(pod) && !isPodTerminal(pod);
}
