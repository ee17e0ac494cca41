import { invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1PodTemplateSpec,
  V1RollingUpdateStatefulSetStrategy,
  V1StatefulSetSpec,
  V1StatefulSetUpdateStrategy,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, nonNegativeErrors } from '../shared/formats.js';
import { atMost100PercentErrors, intOrPercentNumber, positiveIntOrPercentErrors } from '../shared/int-or-percent.js';
import { isUsableSelector } from '../shared/label-selector-match.js';
import { validatePodTemplateSpec } from '../shared/pod-spec/template.js';
import { runningPodErrors, templateLabelErrors, workloadSelectorErrors } from './template.js';

const POD_MANAGEMENT_POLICIES = ['OrderedReady', 'Parallel'];
const CLAIM_POLICIES = ['Retain', 'Delete'];

export function statefulSetSpecErrors(spec: V1StatefulSetSpec): FieldError[] {
  return [
    ...podManagementErrors(spec.podManagementPolicy),
    ...strategyErrors(spec.updateStrategy ?? {}),
    ...claimPolicyErrors('whenDeleted', spec.persistentVolumeClaimRetentionPolicy?.whenDeleted),
    ...claimPolicyErrors('whenScaled', spec.persistentVolumeClaimRetentionPolicy?.whenScaled),
    ...nonNegativeErrors('spec.replicas', spec.replicas),
    ...nonNegativeErrors('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegativeErrors('spec.ordinals.start', spec.ordinals?.start),
    ...(spec.serviceName ? formatErrors('spec.serviceName', spec.serviceName, isDns1123Label) : []),
    ...workloadSelectorErrors(spec.selector, 'statefulset'),
    ...templateErrors(spec),
    ...runningPodErrors(spec.template, 'StatefulSet'),
  ];
}

function podManagementErrors(policy: string | undefined): FieldError[] {
  if (!policy) return [required('spec.podManagementPolicy')];
  return POD_MANAGEMENT_POLICIES.includes(policy)
    ? []
    : [invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")];
}

function strategyErrors({ type, rollingUpdate }: V1StatefulSetUpdateStrategy): FieldError[] {
  const path = 'spec.updateStrategy';
  switch (type) {
    case undefined:
    case '':
      return [required(path)];
    case 'OnDelete':
      return rollingUpdate === undefined
        ? []
        : [
            invalid(
              `${path}.rollingUpdate`,
              goRollingUpdate(rollingUpdate),
              "only allowed for updateStrategy 'RollingUpdate'",
            ),
          ];
    case 'RollingUpdate':
      return rollingUpdate === undefined ? [] : rollingUpdateErrors(rollingUpdate, `${path}.rollingUpdate`);
    default: {
      const shown = { Type: type, RollingUpdate: rollingUpdate === undefined ? null : goRollingUpdate(rollingUpdate) };
      return [invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")];
    }
  }
}

/** Kubernetes shows its internal form of the struct, whose fields are named as in Go. */
function goRollingUpdate({ partition, maxUnavailable }: V1RollingUpdateStatefulSetStrategy): Record<string, unknown> {
  return { Partition: partition ?? 0, MaxUnavailable: maxUnavailable ?? null };
}

function rollingUpdateErrors(rollingUpdate: V1RollingUpdateStatefulSetStrategy, path: string): FieldError[] {
  const errors = nonNegativeErrors(`${path}.partition`, rollingUpdate.partition);
  const { maxUnavailable } = rollingUpdate;
  if (maxUnavailable === undefined) return errors;
  const field = `${path}.maxUnavailable`;
  return [
    ...errors,
    ...positiveIntOrPercentErrors(field, maxUnavailable),
    ...(intOrPercentNumber(maxUnavailable) === 0 ? [invalid(field, maxUnavailable, 'cannot be 0')] : []),
    ...atMost100PercentErrors(field, maxUnavailable),
  ];
}

function claimPolicyErrors(field: string, policy = ''): FieldError[] {
  return CLAIM_POLICIES.includes(policy)
    ? []
    : [notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, policy, CLAIM_POLICIES)];
}

function templateErrors(spec: V1StatefulSetSpec): FieldError[] {
  const { selector, template } = spec as { selector?: V1StatefulSetSpec['selector'] } & V1StatefulSetSpec;
  if (selector !== undefined && !isUsableSelector(selector)) return [invalid('spec.selector', selector, '')];
  return [
    ...templateLabelErrors(template, selector),
    ...validatePodTemplateSpec(effectiveTemplate(spec), 'spec.template'),
  ];
}

/** The template with what the controller will set in each pod: host name, subdomain, and the volumes of its claims. */
function effectiveTemplate({ template, volumeClaimTemplates = [] }: V1StatefulSetSpec): V1PodTemplateSpec {
  if (template.spec === undefined) return template;
  const { hostname: _hostname, subdomain: _subdomain, volumes = [], ...podSpec } = template.spec;
  const claimNames = volumeClaimTemplates.map((claim) => claim.metadata?.name ?? '');
  const claimed = claimNames.map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = volumes.filter((volume) => !claimNames.includes(volume.name));
  return { ...template, spec: { ...podSpec, volumes: [...claimed, ...others] } };
}
