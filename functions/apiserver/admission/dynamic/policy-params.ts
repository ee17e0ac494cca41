import { matchesLabelSelector } from '../../../../lib/api/label-selector-match.js';
import { parseApiVersion, type KubernetesObject } from '../../../../lib/api/meta.js';
import type { V1ParamKind, V1ParamRef } from '../../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, AdmissionContext } from '../plugin.js';
import { PARAMS_MAX } from './limits.js';
import { namespaceOf } from './rules.js';

/** A policy or binding that cannot be applied as it stands: its failure policy decides. */
export class PolicyConfigurationError extends Error {
  readonly code = 'policy-configuration';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PolicyConfigurationError';
  }
}

/** The objects that a binding gives its policy as `params`, one after the other; undefined stands for none at all. */
export async function paramsOf(
  paramKind: V1ParamKind | undefined,
  paramRef: V1ParamRef | undefined,
  attributes: AdmissionAttributes,
  context: AdmissionContext,
): Promise<(KubernetesObject | undefined)[]> {
  if (paramKind === undefined || paramRef === undefined) return [undefined];
  const { apiVersion = '', kind = '' } = paramKind;
  const { group, version } = parseApiVersion(apiVersion);
  const resource = context.catalog
    .all()
    .find((one) => one.group === group && one.version === version && one.kind === kind);
  if (resource === undefined) {
    throw new PolicyConfigurationError(
      `paramKind kind \`${group === '' ? version : `${group}/${version}`}, Kind=${kind}\` not known`,
    );
  }
  const namespace = paramNamespace(resource.definition.namespaced, paramRef, attributes);
  const params = await readParams(resource.definition, namespace, paramRef, context);
  if (params.length === 0 && paramRef.parameterNotFoundAction === 'Deny') {
    throw new PolicyConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return params.map((object) => context.catalog.show(resource, object));
}

function paramNamespace(
  isNamespaced: boolean,
  { namespace = '' }: V1ParamRef,
  attributes: AdmissionAttributes,
): string {
  if (!isNamespaced) {
    if (namespace === '') return '';
    throw new PolicyConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const chosen = namespace === '' ? namespaceOf(attributes) : namespace;
  if (chosen !== '') return chosen;
  throw new PolicyConfigurationError(
    'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  );
}

async function readParams(
  kind: { group: string; plural: string },
  namespace: string,
  { name = '', selector }: V1ParamRef,
  { objects }: AdmissionContext,
): Promise<KubernetesObject[]> {
  if (name !== '') {
    const found = await objects.get(kind, namespace, name);
    return found === undefined ? [] : [found];
  }
  const all = await objects.list(kind, namespace === '' ? undefined : namespace);
  const selected = all.filter(({ metadata }) => matchesLabelSelector(selector, metadata?.labels));
  if (selected.length <= PARAMS_MAX) return selected;
  throw new PolicyConfigurationError(`more than ${PARAMS_MAX} objects are selected as params`);
}
