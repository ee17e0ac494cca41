import type {
  V1CustomResourceDefinition,
  V1CustomResourceDefinitionCondition,
  V1CustomResourceDefinitionNames,
} from '../../../lib/schema/generated/types.js';

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';
export const APPROVAL_ANNOTATION = 'api-approved.kubernetes.io';

export function hasCondition(crd: V1CustomResourceDefinition, type: string): boolean {
  return crd.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

/** Served while it is established, or its names are accepted. */
export function isServed(crd: V1CustomResourceDefinition): boolean {
  return hasCondition(crd, 'Established') || hasCondition(crd, 'NamesAccepted');
}

/** Sets a condition; the moment of its last transition moves only when its status does. */
export function setCondition(
  crd: V1CustomResourceDefinition,
  condition: Omit<V1CustomResourceDefinitionCondition, 'lastTransitionTime'>,
  now: string,
): void {
  crd.status ??= {};
  const conditions = crd.status.conditions ?? [];
  const old = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
  const made = { ...condition, lastTransitionTime };
  crd.status.conditions =
    old === undefined ? [...conditions, made] : conditions.map((one) => (one === old ? made : one));
}

/** Gives a definition its accepted names and its conditions, next to the other definitions that there are. Changes `crd`. */
export function establish(
  crd: V1CustomResourceDefinition,
  others: readonly V1CustomResourceDefinition[],
  now: string,
): void {
  const { spec } = crd;
  if (spec === undefined) return;
  crd.status ??= {};
  const { accepted, conflict } = acceptNames(crd, others);
  crd.status.acceptedNames = accepted;
  setCondition(
    crd,
    conflict === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', ...conflict },
    now,
  );
  if (!hasCondition(crd, 'Established')) {
    setCondition(
      crd,
      conflict === undefined
        ? {
            type: 'Established',
            status: 'True',
            reason: 'InitialNamesAccepted',
            message: 'the initial names have been accepted',
          }
        : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
      now,
    );
  }
  approve(crd, now);
}

interface Conflict {
  reason: string;
  message: string;
}

function acceptNames(
  crd: V1CustomResourceDefinition,
  others: readonly V1CustomResourceDefinition[],
): { accepted: V1CustomResourceDefinitionNames; conflict: Conflict | undefined } {
  const requested = crd.spec?.names ?? { plural: '', kind: '' };
  const before = crd.status?.acceptedNames ?? { plural: '', kind: '' };
  const rivals = others.filter(
    ({ metadata, spec }) => metadata?.name !== crd.metadata?.name && spec?.group === crd.spec?.group,
  );
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { status } of rivals) {
    const {
      plural,
      singular = '',
      shortNames = [],
      kind,
      listKind = '',
    } = status?.acceptedNames ?? { plural: '', kind: '' };
    for (const name of [plural, singular, ...shortNames]) resources.add(name);
    for (const name of [kind, listKind]) kinds.add(name);
  }
  const accepted: V1CustomResourceDefinitionNames = { ...before };
  let conflict: Conflict | undefined;
  const claim = (field: 'plural' | 'singular' | 'kind' | 'listKind', taken: ReadonlySet<string>): void => {
    const name = requested[field] ?? '';
    if (name !== (before[field] ?? '') && taken.has(name))
      conflict = {
        reason: `${field[0]?.toUpperCase()}${field.slice(1)}Conflict`,
        message: `${JSON.stringify(name)} is already in use`,
      };
    else accepted[field] = name;
  };
  claim('plural', resources);
  claim('singular', resources);
  const own = new Set(before.shortNames);
  const taken = (requested.shortNames ?? []).filter((name) => !own.has(name) && resources.has(name));
  if (taken.length > 0) {
    const messages = taken.map((name) => `${JSON.stringify(name)} is already in use`);
    const message = messages.length === 1 ? String(messages[0]) : `[${messages.join(', ')}]`;
    conflict = { reason: 'ShortNamesConflict', message };
  } else if (requested.shortNames === undefined) delete accepted.shortNames;
  else accepted.shortNames = [...requested.shortNames];
  claim('kind', kinds);
  claim('listKind', kinds);
  if (requested.categories === undefined) delete accepted.categories;
  else accepted.categories = [...requested.categories];
  return { accepted, conflict };
}

/** Groups of the Kubernetes community say whether their API has been agreed on. */
function approve(crd: V1CustomResourceDefinition, now: string): void {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(crd.spec?.group ?? '')) return;
  const approval = crd.metadata?.annotations?.[APPROVAL_ANNOTATION] ?? '';
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const demand = `protected groups must have approval annotation ${JSON.stringify(APPROVAL_ANNOTATION)}, see https://github.com/kubernetes/enhancements/pull/1111`;
  if (approval === '') setCondition(crd, { type, status: 'False', reason: 'MissingAnnotation', message: demand }, now);
  else if (approval.startsWith('unapproved'))
    setCondition(
      crd,
      {
        type,
        status: 'False',
        reason: 'UnapprovedAnnotation',
        message: `not approved: ${JSON.stringify(approval)}`,
      },
      now,
    );
  else if (URL.canParse(approval))
    setCondition(crd, { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${approval}` }, now);
  else setCondition(crd, { type, status: 'False', reason: 'InvalidAnnotation', message: demand }, now);
}
