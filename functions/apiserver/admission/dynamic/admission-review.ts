import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { isJsonObject } from '../../../../lib/json/path.js';
import type { AdmissionAttributes, AdmissionPhase, ObjectForm } from '../plugin.js';
import { WARNING_MAX_CHARACTERS, WARNINGS_MAX } from './limits.js';
import { namespaceOf } from './rules.js';

const GROUP = 'admission.k8s.io';
const KIND = 'AdmissionReview';

/** Versions of the review that are spoken, in our order of no preference: the webhook's own order decides. */
export const REVIEW_VERSIONS: readonly string[] = ['v1', 'v1beta1'];

/** The object a webhook is called with. */
export function reviewRequest(parts: {
  version: string;
  uid: string;
  attributes: AdmissionAttributes;
  phase: AdmissionPhase;
  form: ObjectForm;
  object: KubernetesObject | undefined;
  oldObject: KubernetesObject | undefined;
}): KubernetesObject & { request: object } {
  const { options, ...body } = requestBody(parts.attributes, parts.phase, parts.form);
  return {
    kind: KIND,
    apiVersion: `${GROUP}/${parts.version}`,
    request: {
      uid: parts.uid,
      ...body,
      object: parts.object ?? null,
      oldObject: parts.oldObject ?? null,
      options: options ?? null,
    },
  };
}

/** What is said of a request besides its objects: to webhooks, and to expressions as `request`. */
export function requestBody(
  attributes: AdmissionAttributes,
  phase: AdmissionPhase,
  form: ObjectForm,
): { options?: KubernetesObject } & Record<string, unknown> {
  const { request, user, subresource } = attributes;
  const name = request.name(phase);
  const namespace = namespaceOf(attributes);
  const requested = request.form;
  return {
    kind: form.kind,
    resource: resourceOf(form),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: requested.kind,
    requestResource: resourceOf(requested),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation: attributes.operation,
    userInfo: {
      username: user.username,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun: attributes.dryRun,
    ...(request.options === undefined ? {} : { options: request.options }),
  };
}

function resourceOf({ group, version, resource }: ObjectForm): object {
  return { group, version, resource };
}

/** What a webhook has decided. */
export interface Verdict {
  readonly allowed: boolean;
  /** `response.status` as it came. */
  readonly result: unknown;
  /** Text of the patch, decoded; undefined where there is none. */
  readonly patch: string | undefined;
  readonly warnings: readonly string[];
  readonly annotations: readonly [key: string, value: string][];
}

/** Reads an answer, or says in Kubernetes' words why it is none. */
export function readReview(
  answer: KubernetesObject,
  expected: { version: string; uid: string; mutating: boolean },
): Verdict | { fault: string } {
  const { apiVersion = '', kind = '' } = answer;
  const { response } = answer as { response?: unknown };
  if (!isJsonObject(response)) return { fault: 'webhook response was absent' };
  if (expected.version === 'v1') {
    if (response['uid'] !== expected.uid) {
      return {
        fault: `expected response.uid=${JSON.stringify(expected.uid)}, got ${JSON.stringify(textOf(response['uid']))}`,
      };
    }
    if (apiVersion !== `${GROUP}/v1` || kind !== KIND) {
      return { fault: `expected webhook response of ${shown(`${GROUP}/v1`, KIND)}, got ${shown(apiVersion, kind)}` };
    }
  }
  const patch = patchOf(response, expected);
  if (typeof patch === 'object') return patch;
  const warnings = Array.isArray(response['warnings']) ? response['warnings'] : [];
  const annotations = isJsonObject(response['auditAnnotations']) ? response['auditAnnotations'] : {};
  return {
    allowed: response['allowed'] === true,
    result: response['status'],
    patch,
    warnings: warnings
      .filter((one): one is string => typeof one === 'string' && one !== '')
      .slice(0, WARNINGS_MAX)
      .map((one) => one.slice(0, WARNING_MAX_CHARACTERS)),
    annotations: Object.entries(annotations).filter((one): one is [string, string] => typeof one[1] === 'string'),
  };
}

function patchOf(
  response: Record<string, unknown>,
  { version, mutating }: { version: string; mutating: boolean },
): string | undefined | { fault: string } {
  const { patch, patchType } = response;
  const hasPatch = patch !== undefined && patch !== null && patch !== '';
  const hasType = patchType !== undefined && patchType !== null;
  if (hasPatch && (typeof patch !== 'string' || !BASE64.test(patch))) {
    return { fault: 'response.patch is no base64' };
  }
  if (version !== 'v1') return mutating && hasPatch ? decode(patch) : undefined;
  if (!mutating) {
    if (hasPatch) return { fault: 'validating webhook may not return response.patch' };
    if (hasType) return { fault: 'validating webhook may not return response.patchType' };
    return undefined;
  }
  if (hasPatch && !hasType) return { fault: 'webhook returned response.patch but not response.patchType' };
  if (!hasPatch && hasType) return { fault: 'webhook returned response.patchType but not response.patch' };
  if (!hasPatch) return undefined;
  if (patchType === 'JSONPatch') return decode(patch);
  return { fault: `webhook returned invalid response.patchType of ${JSON.stringify(textOf(patchType))}` };
}

const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;

function decode(patch: unknown): string {
  return Buffer.from(textOf(patch), 'base64').toString('utf8');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** As Go prints a GroupVersionKind. */
function shown(apiVersion: string, kind: string): string {
  return `${apiVersion}, Kind=${kind}`;
}
