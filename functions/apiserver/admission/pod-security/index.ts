import { invalidError } from '../../../../lib/api/errors.js';
import type { KubernetesObject, OwnerReference } from '../../../../lib/api/meta.js';
import { deepEqual } from '../../../../lib/api/equality.js';
import type { V1Container, V1Namespace, V1Pod, V1PodSpec } from '../../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../plugin.js';
import { refusal } from '../refusal.js';
import type { CheckedPod } from './check.js';
import {
  readPolicy,
  sameLevel,
  showLevel,
  showViolations,
  strictness,
  violations,
  type LevelVersion,
  type NamespacePolicy,
} from './policy.js';

const NAMESPACES = { group: '', plural: 'namespaces' };
const PODS = { group: '', plural: 'pods' };

/** Pods of a namespace that are looked at when its policy becomes stricter, and for how long at most. */
const EXISTING_PODS_MAX = 3_000;
const EXISTING_PODS_MAX_MS = 1_000;

/** Subresources of pods that cannot change what a pod may do. */
const HARMLESS: ReadonlySet<string> = new Set([
  'exec',
  'attach',
  'binding',
  'eviction',
  'log',
  'portforward',
  'proxy',
  'status',
]);

/** By group and plural: where workloads keep the pods they make. */
const TEMPLATES: Readonly<Record<string, (object: Templated) => Template | undefined>> = {
  '/replicationcontrollers': ({ spec }) => spec?.template,
  '/podtemplates': ({ template }) => template,
  'apps/replicasets': ({ spec }) => spec?.template,
  'apps/deployments': ({ spec }) => spec?.template,
  'apps/statefulsets': ({ spec }) => spec?.template,
  'apps/daemonsets': ({ spec }) => spec?.template,
  'batch/jobs': ({ spec }) => spec?.template,
  'batch/cronjobs': ({ spec }) => spec?.jobTemplate?.spec?.template,
};

interface Template {
  metadata?: { annotations?: Record<string, string> };
  spec?: V1PodSpec;
}

interface Templated extends KubernetesObject {
  spec?: { template?: Template; jobTemplate?: { spec?: { template?: Template } } };
  template?: Template;
}

/** The pod security standards, as the labels of each namespace ask for them; without labels everything is allowed. */
export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  async validate(attributes, context) {
    const { kind, operation, subresource } = attributes;
    if (operation !== 'CREATE' && operation !== 'UPDATE') return;
    if (kind.group === '' && kind.plural === 'namespaces') {
      if (subresource === '') await checkNamespace(attributes, context);
    } else if (kind.group === '' && kind.plural === 'pods') {
      if (!HARMLESS.has(subresource)) await checkPod(attributes, context);
    } else if (subresource === '') await checkWorkload(attributes, context);
  },
};

async function policyOf({ namespace }: AdmissionAttributes, { policies }: AdmissionContext): Promise<NamespacePolicy> {
  const found = await policies.get<V1Namespace>(NAMESPACES, '', namespace);
  return readPolicy(found?.metadata?.labels);
}

async function checkPod(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> {
  const pod = attributes.object as V1Pod;
  if (pod.spec === undefined) return;
  if (attributes.operation === 'UPDATE' && !isSignificant(pod.spec, (attributes.oldObject as V1Pod).spec)) return;
  const policy = await policyOf(attributes, context);
  const checked: CheckedPod = { metadata: pod.metadata ?? {}, spec: pod.spec };
  audit(attributes, checked, policy.audit);
  const found = violations(checked, policy.enforce);
  if (found.length > 0)
    throw refusal(attributes, `violates PodSecurity "${showLevel(policy.enforce)}": ${showViolations(found)}`);
  warn(attributes, checked, policy.warn);
}

async function checkWorkload(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> {
  const { kind, object } = attributes;
  const template = TEMPLATES[`${kind.group}/${kind.plural}`]?.(object as Templated);
  if (template?.spec === undefined) return;
  const policy = await policyOf(attributes, context);
  const checked: CheckedPod = { metadata: template.metadata ?? {}, spec: template.spec };
  audit(attributes, checked, policy.audit);
  warn(attributes, checked, policy.warn);
}

function audit(attributes: AdmissionAttributes, pod: CheckedPod, level: LevelVersion): void {
  const text = wouldViolate(pod, level);
  if (text !== '') attributes.annotate('pod-security.kubernetes.io/audit-violations', text);
}

function warn(attributes: AdmissionAttributes, pod: CheckedPod, level: LevelVersion): void {
  const text = wouldViolate(pod, level);
  if (text !== '') attributes.warn(text);
}

function wouldViolate(pod: CheckedPod, level: LevelVersion): string {
  const found = violations(pod, level);
  return found.length === 0 ? '' : `would violate PodSecurity "${showLevel(level)}": ${showViolations(found)}`;
}

/** Only images and new containers can change in a way that matters here. */
function isSignificant(spec: V1PodSpec, old: V1PodSpec | undefined): boolean {
  if (old === undefined) return true;
  const images = (containers: readonly V1Container[] | undefined): (string | undefined)[] =>
    (containers ?? []).map(({ image }) => image);
  if (!deepEqual(images(spec.containers), images(old.containers))) return true;
  if (!deepEqual(images(spec.initContainers), images(old.initContainers))) return true;
  return (spec.ephemeralContainers ?? []).some(
    (one) => old.ephemeralContainers?.find(({ name }) => name === one.name)?.image !== one.image,
  );
}

async function checkNamespace(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> {
  const namespace = attributes.object as V1Namespace;
  const policy = readPolicy(namespace.metadata?.labels);
  const before =
    attributes.operation === 'UPDATE' ? readPolicy((attributes.oldObject as V1Namespace).metadata?.labels) : undefined;
  if (policy.errors.length > 0 && !deepEqual(policy.errors, before?.errors))
    throw invalidError({ group: '', kind: 'Namespace' }, namespace.metadata?.name ?? '', policy.errors);
  if (before === undefined) return;
  const { enforce } = policy;
  if (sameLevel(enforce, before.enforce) || enforce.level === 'privileged') return;
  const relaxed = strictness(enforce.level) <= strictness(before.enforce.level);
  if (enforce.minor === before.enforce.minor && relaxed) return;
  for (const text of await existingViolations(attributes.name, enforce, context)) attributes.warn(text);
}

/** Of pods with one controller one stands for all. */
async function existingViolations(
  namespace: string,
  enforce: LevelVersion,
  { clock, objects }: AdmissionContext,
): Promise<string[]> {
  const deadlineMs = clock.now() + EXISTING_PODS_MAX_MS;
  const pods = inOrderOfWeight(await objects.list<V1Pod>(PODS, namespace));
  const found = new Map<string, { name: string; count: number }>();
  let checked = 0;
  for (const pod of pods.slice(0, EXISTING_PODS_MAX)) {
    checked++;
    const spec = pod.spec ?? { containers: [] };
    const reasons = violations({ metadata: pod.metadata ?? {}, spec }, enforce)
      .map(({ reason }) => reason)
      .join(', ');
    const name = pod.metadata?.name ?? '';
    const known = found.get(reasons);
    if (reasons !== '')
      found.set(reasons, {
        name: known === undefined || name < known.name ? name : known.name,
        count: (known?.count ?? 0) + 1,
      });
    if (clock.now() > deadlineMs) break;
  }
  const texts: string[] = [];
  if (checked < pods.length)
    texts.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`,
    );
  if (found.size > 0)
    texts.push(
      `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${showLevel(enforce)}"`,
    );
  const each = [...found].map(([reasons, { name, count }]) => {
    const others = count === 1 ? '' : ` (and ${count - 1} other ${count === 2 ? 'pod' : 'pods'})`;
    return `${name}${others}: ${reasons}`;
  });
  return [...texts, ...each.toSorted()];
}

function inOrderOfWeight(pods: readonly V1Pod[]): V1Pod[] {
  const seen = new Set<string>();
  const first: V1Pod[] = [];
  const rest: V1Pod[] = [];
  for (const pod of pods) {
    const owner = (pod.metadata?.ownerReferences as OwnerReference[] | undefined)?.find(
      (one) => one.controller === true,
    );
    if (owner === undefined || !seen.has(owner.uid)) first.push(pod);
    else rest.push(pod);
    if (owner !== undefined) seen.add(owner.uid);
  }
  return [...first, ...rest];
}
