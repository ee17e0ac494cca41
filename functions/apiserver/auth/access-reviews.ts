import { badRequest, invalidError } from '../../../lib/api/errors.js';
import { invalid, required, type FieldError } from '../../../lib/api/field-errors.js';
import type { KubernetesObject, ObjectMeta, UserInfo } from '../../../lib/api/meta.js';
import type {
  V1LocalSubjectAccessReview,
  V1NonResourceAttributes,
  V1ResourceAttributes,
  V1SelfSubjectAccessReview,
  V1SelfSubjectRulesReview,
  V1SubjectAccessReview,
  V1SubjectAccessReviewSpec,
  V1SubjectAccessReviewStatus,
} from '../../../lib/schema/generated/types.js';
import type { SubresourceHandler } from '../registry/subresource.js';
import type { Authorizer, AuthorizationAttributes } from './auth.js';
import type { RuleResolver } from './authorizer.js';

const GROUP = 'authorization.k8s.io';

/** The reviews of authorization.k8s.io, by kind: what may this or another user do? */
export function accessReviewHandlers(authorizer: Authorizer & RuleResolver): Record<string, SubresourceHandler> {
  return {
    SubjectAccessReview: {
      create: async ({ body }) => {
        const review = body as V1SubjectAccessReview;
        const spec = review.spec ?? {};
        refuse('SubjectAccessReview', [...checkSubject(spec), ...checkAsked(spec), ...checkMetadata(review.metadata)]);
        return { ...review, status: await answer(authorizer, userOf(spec), spec) } as KubernetesObject;
      },
    },
    LocalSubjectAccessReview: {
      create: async ({ body, namespace }) => {
        const review = body as V1LocalSubjectAccessReview;
        const spec = review.spec ?? {};
        refuse('LocalSubjectAccessReview', checkLocal(review, spec));
        if ((review.metadata?.namespace ?? '') !== namespace)
          throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`);
        return { ...review, status: await answer(authorizer, userOf(spec), spec) } as KubernetesObject;
      },
    },
    SelfSubjectAccessReview: {
      create: async ({ body, call }) => {
        const review = body as V1SelfSubjectAccessReview;
        const spec = review.spec ?? {};
        refuse('SelfSubjectAccessReview', [...checkAsked(spec), ...checkMetadata(review.metadata)]);
        return { ...review, status: await answer(authorizer, call.user, spec) } as KubernetesObject;
      },
    },
    SelfSubjectRulesReview: {
      create: async ({ body, call }) => {
        const review = body as V1SelfSubjectRulesReview;
        if (!review.spec?.namespace) throw badRequest('no namespace on request');
        return { ...review, status: rulesStatus(authorizer, call.user) } as KubernetesObject;
      },
    },
  };
}

interface Asked {
  resourceAttributes?: V1ResourceAttributes;
  nonResourceAttributes?: V1NonResourceAttributes;
}

async function answer(authorizer: Authorizer, user: UserInfo, asked: Asked): Promise<V1SubjectAccessReviewStatus> {
  const { allowed, reason } = await authorizer.authorize(attributesOf(user, asked));
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

function attributesOf(user: UserInfo, asked: Asked): AuthorizationAttributes {
  const resource = asked.resourceAttributes;
  const selector = resource?.fieldSelector;
  return {
    user,
    verb: resource?.verb ?? asked.nonResourceAttributes?.verb ?? '',
    resourceRequest: resource !== undefined,
    group: resource?.group ?? '',
    version: resource?.version || '*',
    resource: resource?.resource ?? '',
    subresource: resource?.subresource ?? '',
    namespace: resource?.namespace ?? '',
    name: resource?.name ?? '',
    path: asked.nonResourceAttributes?.path ?? '',
    fieldSelector:
      selector?.rawSelector ??
      (selector?.requirements ?? [])
        .filter(({ operator, values }) => operator === 'In' && values?.length === 1)
        .map(({ key, values }) => `${key}=${values?.[0]}`)
        .join(','),
  };
}

function userOf(spec: V1SubjectAccessReviewSpec): UserInfo {
  return {
    username: spec.user ?? '',
    groups: spec.groups ?? [],
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.extra === undefined ? {} : { extra: spec.extra }),
  };
}

function rulesStatus(resolver: RuleResolver, user: UserInfo): object {
  const { rules, incomplete, evaluationError } = resolver.rulesFor(user);
  return {
    resourceRules: rules
      .filter((rule) => rule.resources !== undefined)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
    nonResourceRules: rules
      .filter((rule) => rule.nonResourceURLs !== undefined)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete,
    ...(evaluationError === undefined ? {} : { evaluationError }),
  };
}

function refuse(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidError({ group: GROUP, kind }, '', errors);
}

function checkAsked({ resourceAttributes, nonResourceAttributes }: Asked): FieldError[] {
  const errors: FieldError[] = [];
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined)
    errors.push(
      invalid(
        'spec.nonResourceAttributes',
        nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    );
  if (resourceAttributes === undefined && nonResourceAttributes === undefined)
    errors.push(
      invalid(
        'spec.resourceAttributes',
        undefined,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    );
  for (const field of ['fieldSelector', 'labelSelector'] as const) {
    const selector = resourceAttributes?.[field];
    if (selector === undefined) continue;
    const path = `spec.resourceAttributes.${field}`;
    const raw = selector.rawSelector ?? '';
    const count = selector.requirements?.length ?? 0;
    if (raw !== '' && count > 0)
      errors.push(invalid(`${path}.rawSelector`, raw, 'may not specified at the same time as requirements'));
    if (raw === '' && count === 0)
      errors.push(
        required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`),
      );
  }
  return errors;
}

function checkSubject(spec: V1SubjectAccessReviewSpec): FieldError[] {
  return !spec.user && (spec.groups ?? []).length === 0
    ? [invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified')]
    : [];
}

function checkLocal(review: V1LocalSubjectAccessReview, spec: V1SubjectAccessReviewSpec): FieldError[] {
  const { namespace = '', ...otherMetadata } = review.metadata ?? {};
  const errors = [...checkSubject(spec), ...checkAsked(spec)];
  errors.push(...checkMetadata(otherMetadata, 'must be empty except for namespace'));
  const asked = spec.resourceAttributes;
  if (asked !== undefined && (asked.namespace ?? '') !== namespace)
    errors.push(invalid('spec.resourceAttributes.namespace', asked.namespace ?? '', 'must match metadata.namespace'));
  if (spec.nonResourceAttributes !== undefined)
    errors.push(
      invalid('spec.nonResourceAttributes', spec.nonResourceAttributes, 'disallowed on this kind of request'),
    );
  return errors;
}

/** Reviews are never stored, so that nothing but what the server fills in may stand in their metadata. */
function checkMetadata(metadata: ObjectMeta | undefined, detail = 'must be empty'): FieldError[] {
  const { creationTimestamp: _created, managedFields: _managed, uid: _uid, ...rest } = metadata ?? {};
  const given = Object.values(rest).some((value) => value !== undefined && value !== null && value !== '');
  return given ? [invalid('metadata', metadata, detail)] : [];
}
