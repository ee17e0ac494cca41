import { parseKey } from '../../../lib/client/client.js';
import { deployments, replicaSets } from '../../../lib/client/resources.js';
import type { V1Deployment, V1DeploymentStatus, V1ReplicaSet } from '../../../lib/schema/generated/types.js';
import { watchSelf, type Controller, type ControllerContext, type Outcome } from '../../../lib/work/controller.js';
import { claimChildren, watchChildren } from '../shared/claim.js';
import { semanticEqual } from '../shared/hash.js';
import { isEmptySelector, matchesLabelSelector } from '../../../lib/api/label-selector-match.js';
import { isBeingDeleted } from '../shared/owners.js';
import { rollBack, rollbackTarget } from './rollback.js';
import { Rollout } from './rollout.js';
import {
  countedStatus,
  deploymentCondition,
  hasProgressDeadline,
  newCondition,
  progressCheckAfterMs,
  rolloutStatus,
  setCondition,
} from './status.js';
import { isScalingEvent, recreate, rollOut, scaleInPlace } from './strategies.js';
import { isRollingUpdate } from './sizes.js';

/** Rolls the pod template of Deployments out over ReplicaSets, one per template. */
export const deploymentController: Controller = {
  name: 'deployment',
  watches: [watchSelf(deployments), watchChildren({ child: replicaSets, owner: deployments, selects })],
  reconcile: reconcileDeployment,
};

function selects(deployment: V1Deployment, replicaSet: V1ReplicaSet): boolean {
  const selector = deployment.spec?.selector;
  return !isEmptySelector(selector) && matchesLabelSelector(selector, replicaSet.metadata?.labels);
}

async function reconcileDeployment(key: string, context: ControllerContext): Promise<Outcome> {
  const { namespace, name } = parseKey(key);
  const present = (await context.view(deployments)).get(namespace, name);
  if (present === undefined) return;
  const deployment = structuredClone(present);
  if (isEmptySelector(deployment.spec?.selector)) return refuseToSelectAll(context, deployment);

  const owned = await claimChildren(context, {
    owner: present,
    ownerResource: deployments,
    childResource: replicaSets,
    selects: (replicaSet) => selects(present, replicaSet),
  });
  const rollout = new Rollout(context, deployment, owned);
  await rollout.syncRevision();
  const rollingOut = await step(rollout);
  if (rollingOut === undefined) return;

  const nowMs = context.clock.now();
  const status = (rollingOut ? rolloutStatus : countedStatus)(deployment, rollout.all, rollout.current, nowMs);
  if (
    !semanticEqual(status, present.status) ||
    !semanticEqual(deployment.metadata?.annotations, present.metadata?.annotations)
  ) {
    await context.client.updateStatus(deployments, { ...deployment, status });
  }
  const requeueAfterMs = rollingOut ? progressCheckAfterMs(deployment, status, nowMs) : undefined;
  return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
}

/** True: a rollout is judged for progress; false: only counts are reported; undefined: the Deployment itself was changed. */
async function step(rollout: Rollout): Promise<boolean | undefined> {
  const { deployment, context } = rollout;
  if (isBeingDeleted(deployment)) return false;
  notePause(deployment, (deployment.status ??= {}), context.clock.now());
  const target = rollbackTarget(rollout);
  if (deployment.spec?.paused) {
    await scaleInPlace(rollout);
    if (target === undefined) await rollout.cleanUpHistory();
    return false;
  }
  if (target !== undefined) {
    await rollBack(rollout, target);
    return undefined;
  }
  if (isScalingEvent(rollout)) {
    await scaleInPlace(rollout);
    return false;
  }
  await (isRollingUpdate(deployment) ? rollOut(rollout) : recreate(rollout));
  return true;
}

/** Pausing stops the progress deadline, resuming starts it anew. */
function notePause(deployment: V1Deployment, status: V1DeploymentStatus, nowMs: number): void {
  const reason = deploymentCondition(status, 'Progressing')?.reason;
  if (!hasProgressDeadline(deployment) || reason === 'ProgressDeadlineExceeded') return;
  if (deployment.spec?.paused && reason !== 'DeploymentPaused') {
    setCondition(status, newCondition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', nowMs));
  } else if (!deployment.spec?.paused && reason === 'DeploymentPaused') {
    setCondition(status, newCondition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', nowMs));
  }
}

async function refuseToSelectAll(context: ControllerContext, deployment: V1Deployment): Promise<void> {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.';
  await context.events.warning(deployment, 'SelectingAll', message);
  const observedGeneration = deployment.metadata?.generation ?? 0;
  if ((deployment.status?.observedGeneration ?? 0) >= observedGeneration) return;
  await context.client.updateStatus(deployments, {
    ...deployment,
    status: { ...deployment.status, observedGeneration },
  });
}
