import { LateModule } from '../../../../lib/late-module.js';
import type { WebhookCaller } from '../../webhooks/webhook-caller.js';
import type { AdmissionPlugin, WriteReservation } from '../plugin.js';
import type { PolicyTypeChecks } from './type-checks.js';

/** With the language of expressions behind it: large, and of no use where there is no policy and no webhook. */
const plugins = new LateModule(() => import('./plugins.js'));

export interface DynamicAdmissionParts {
  readonly webhooks: WebhookCaller;
}

/** What users configure with objects of admissionregistration.k8s.io, in the order kube-apiserver runs it. */
export function dynamicAdmission({ webhooks }: DynamicAdmissionParts): AdmissionPlugin[] {
  return [
    whereAny('MutatingAdmissionPolicy', 'mutate', 'mutatingadmissionpolicies', (from) => from.mutatingPolicies()),
    whereAny('MutatingAdmissionWebhook', 'mutate', 'mutatingwebhookconfigurations', (from) =>
      from.mutatingWebhooks(webhooks),
    ),
    whereAny('ValidatingAdmissionPolicy', 'validate', 'validatingadmissionpolicies', (from) =>
      from.validatingPolicies(),
    ),
    whereAny('ValidatingAdmissionWebhook', 'validate', 'validatingwebhookconfigurations', (from) =>
      from.validatingWebhooks(webhooks),
    ),
  ];
}

const typeChecks = new LateModule(() => import('./type-checks.js'));

/** What a ValidatingAdmissionPolicy is told of its expressions, see there. */
export function policyTypeChecks(parts: ConstructorParameters<typeof PolicyTypeChecks>[0]): WriteReservation {
  let checks: PolicyTypeChecks | undefined;
  return {
    async begin(object) {
      if (checks === undefined) await typeChecks.load();
      return (checks ??= new typeChecks.module.PolicyTypeChecks(parts)).begin(object);
    },
  };
}

/** A plugin that is loaded when there is first an object that it acts on. */
function whereAny(
  name: string,
  phase: 'mutate' | 'validate',
  plural: string,
  make: (from: typeof plugins.module) => AdmissionPlugin,
): AdmissionPlugin {
  const kind = { group: 'admissionregistration.k8s.io', plural };
  let plugin: AdmissionPlugin | undefined;
  return {
    name,
    async [phase](...[attributes, context]: Parameters<NonNullable<AdmissionPlugin['validate']>>) {
      if ((await context.policies.list(kind)).length === 0) return;
      if (plugin === undefined) await plugins.load();
      plugin ??= make(plugins.module);
      await plugin[phase]?.(attributes, context);
    },
  };
}
