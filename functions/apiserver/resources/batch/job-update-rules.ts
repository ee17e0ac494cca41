import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1Container,
  V1Job,
  V1JobSpec,
  V1PodSpec,
  V1PodTemplateSpec,
} from '../../../../lib/schema/generated/types.js';
import { immutableErrors } from '../shared/immutable.js';
import { semanticallyEqual } from '../shared/equality.js';

const IMMUTABLE_FIELDS = [
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

export function jobUpdateErrors(job: V1Job, old: V1Job): FieldError[] {
  const { spec } = job;
  if (spec === undefined || old.spec === undefined) return [];
  const oldSpec = old.spec;
  return [
    ...completionsErrors(spec, oldSpec),
    ...immutableErrors('spec.selector', spec.selector, oldSpec.selector),
    ...templateErrors(spec, old),
    ...IMMUTABLE_FIELDS.flatMap((field) => immutableErrors(`spec.${field}`, spec[field], oldSpec[field])),
  ];
}

function completionsErrors(spec: V1JobSpec, old: V1JobSpec): FieldError[] {
  if (spec.completionMode !== 'Indexed') {
    return immutableErrors('spec.completions', spec.completions, old.completions);
  }
  const isScaled = spec.completions === undefined || spec.completions === spec.parallelism;
  return isScaled || spec.completions === old.completions
    ? []
    : [invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism')];
}

/** While a job is suspended and has no pods, what steers scheduling may change, and so may what its containers ask for. */
function templateErrors(spec: V1JobSpec, old: V1Job): FieldError[] {
  const oldTemplate = old.spec?.template ?? {};
  if (!isAtRest(old)) return immutableErrors('spec.template', spec.template, oldTemplate);
  const expected = withSchedulingOf(oldTemplate, spec.template).spec;
  return immutableErrors(
    'spec.template.spec',
    spec.template.spec,
    expected && withResourcesOf(expected, spec.template.spec),
  );
}

function isAtRest({ spec, status }: V1Job): boolean {
  const isSuspended =
    status?.conditions?.some(({ type, status: is }) => type === 'Suspended' && is === 'True') ?? false;
  return spec?.suspend === true && isSuspended && (status?.active ?? 0) === 0;
}

function withSchedulingOf(old: V1PodTemplateSpec, template: V1PodTemplateSpec): V1PodTemplateSpec {
  const spec = template.spec;
  if (old.spec === undefined || spec === undefined) return old;
  const { nodeAffinity: _ignored, ...oldAffinity } = old.spec.affinity ?? {};
  const nodeAffinity = spec.affinity?.nodeAffinity;
  const affinity = { ...oldAffinity, ...(nodeAffinity === undefined ? {} : { nodeAffinity }) };
  return {
    metadata: {
      ...old.metadata,
      labels: template.metadata?.labels ?? {},
      annotations: template.metadata?.annotations ?? {},
    },
    spec: withoutUndefined({
      ...old.spec,
      affinity: semanticallyEqual(affinity, {}) ? undefined : affinity,
      nodeSelector: spec.nodeSelector,
      tolerations: spec.tolerations,
      schedulingGates: spec.schedulingGates,
    }),
  };
}

function withResourcesOf(old: V1PodSpec, spec: V1PodSpec | undefined): V1PodSpec {
  return withoutUndefined({
    ...old,
    containers: containersWithResourcesOf(old.containers, spec?.containers) ?? [],
    initContainers: containersWithResourcesOf(old.initContainers, spec?.initContainers),
  });
}

function containersWithResourcesOf(
  old: V1Container[] | undefined,
  containers: V1Container[] | undefined,
): V1Container[] | undefined {
  if (old?.length !== containers?.length) return old;
  return old?.map((container, index) => {
    const current = containers?.[index];
    return current?.name === container.name
      ? withoutUndefined({ ...container, resources: current.resources })
      : container;
  });
}

function withoutUndefined<T extends object>(fields: { [Field in keyof T]: T[Field] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
