import { deployments } from '../../../lib/client/resources.js';
import { annotationsAfterRollback, lastRevision, revisionOf, ROLLBACK_ANNOTATION } from './annotations.js';
import { equalTemplates, withoutHash, type Rollout } from './rollout.js';

/** The revision that the deprecated annotation asks to go back to; 0 is the one before the present. */
export function rollbackTarget(rollout: Rollout): bigint | undefined {
  const text = rollout.deployment.metadata?.annotations?.[ROLLBACK_ANNOTATION];
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : undefined;
}

/** Puts the template of an earlier revision back and removes the annotation; the rollout itself is the next reconcile's. */
export async function rollBack(rollout: Rollout, asked: bigint): Promise<void> {
  const { context, deployment } = rollout;
  const name = JSON.stringify(deployment.metadata?.name);
  const revision = asked === 0n ? lastRevision(rollout.all) : asked;
  const target = rollout.all.find((replicaSet) => revision !== 0n && revisionOf(replicaSet) === revision);
  const { [ROLLBACK_ANNOTATION]: _asked, ...annotations } = deployment.metadata?.annotations ?? {};
  let restored = { ...deployment, metadata: { ...deployment.metadata, annotations } };
  let done = false;
  if (target === undefined) {
    const message = revision === 0n ? 'Unable to find last revision.' : 'Unable to find the revision to rollback to.';
    await context.events.warning(deployment, 'DeploymentRollbackRevisionNotFound', message);
  } else if (equalTemplates(target.spec?.template, deployment.spec?.template)) {
    const message = `The rollback revision contains the same template as current deployment ${name}`;
    await context.events.warning(deployment, 'DeploymentRollbackTemplateUnchanged', message);
  } else if (deployment.spec !== undefined) {
    restored = {
      ...restored,
      metadata: { ...restored.metadata, annotations: annotationsAfterRollback(restored, target) },
      spec: { ...deployment.spec, template: withoutHash(target.spec?.template) },
    };
    done = true;
  }
  await context.client.update(deployments, restored);
  if (!done) return;
  await context.events.normal(
    deployment,
    'DeploymentRollback',
    `Rolled back deployment ${name} to revision ${revision}`,
  );
}
