import { deepEqual } from '../../../lib/api/equality.js';
import type { V1Pod, V1RuntimeClass, V1Toleration } from '../../../lib/schema/generated/types.js';
import { readAmounts, writeAmounts } from '../../../lib/quota/amounts.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.js';
import { concerns, refusal } from './refusal.js';

const RUNTIME_CLASSES = { group: 'node.k8s.io', plural: 'runtimeclasses' };
const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const UNDEFINED = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';

/** A pod gets the overhead, node selector and tolerations of its runtime class, which must exist. */
export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',

  async mutate(attributes, context) {
    if (attributes.operation !== 'CREATE' || !concerns(attributes, 'pods')) return;
    const { spec } = attributes.object as V1Pod;
    const found = await classOf(attributes, context);
    if (found === undefined || spec === undefined) return;
    const overhead = found.overhead?.podFixed;
    if (found.overhead !== undefined) {
      if (Object.keys(spec.overhead ?? {}).length > 0 && !sameAmounts(spec.overhead, overhead))
        throw refusal(attributes, MISMATCH);
      if (overhead !== undefined) spec.overhead = { ...overhead };
    }
    if (found.scheduling === undefined) return;
    for (const [key, value] of Object.entries(found.scheduling.nodeSelector ?? {})) {
      const own = spec.nodeSelector?.[key];
      if (own !== undefined && own !== value)
        throw refusal(
          attributes,
          `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
        );
      spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
    }
    const tolerations = merged(spec.tolerations ?? [], found.scheduling.tolerations ?? []);
    if (tolerations.length > 0) spec.tolerations = tolerations;
  },

  async validate(attributes, context) {
    if (attributes.operation !== 'CREATE' || !concerns(attributes, 'pods')) return;
    const overhead = (attributes.object as V1Pod).spec?.overhead;
    const found = await classOf(attributes, context);
    if (found?.overhead === undefined) {
      if (overhead !== undefined) throw refusal(attributes, UNDEFINED);
    } else if (!sameAmounts(overhead, found.overhead.podFixed)) throw refusal(attributes, MISMATCH);
  },
};

async function classOf(
  attributes: AdmissionAttributes,
  { policies }: AdmissionContext,
): Promise<V1RuntimeClass | undefined> {
  const name = (attributes.object as V1Pod).spec?.runtimeClassName;
  if (name === undefined || name === null) return undefined;
  const found = await policies.get<V1RuntimeClass>(RUNTIME_CLASSES, '', name);
  if (found === undefined) throw refusal(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return found;
}

function sameAmounts(left: Record<string, string> | undefined, right: Record<string, string> | undefined): boolean {
  return deepEqual(writeAmounts(readAmounts(left)), writeAmounts(readAmounts(right)));
}

/** Both lists, without those that another one says already or includes. */
function merged(own: readonly V1Toleration[], added: readonly V1Toleration[]): V1Toleration[] {
  const all = [...own, ...added];
  return all.filter(
    (one, index) =>
      !all.some((other, at) => at !== index && includes(other, one) && (at < index || !includes(one, other))),
  );
}

/** True when `wide` tolerates all that `narrow` does. */
function includes(wide: V1Toleration, narrow: V1Toleration): boolean {
  if (
    (wide.key ?? '') === (narrow.key ?? '') &&
    sameOperator(wide, narrow) &&
    (wide.value ?? '') === (narrow.value ?? '')
  ) {
    if ((wide.effect ?? '') === (narrow.effect ?? '') && wide.tolerationSeconds === narrow.tolerationSeconds)
      return true;
  }
  const isEverything = (wide.key ?? '') === '' && wide.operator === 'Exists';
  if (!isEverything && (wide.key ?? '') !== (narrow.key ?? '')) return false;
  if ((wide.effect ?? '') !== '' && wide.effect !== narrow.effect) return false;
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    const [most, least] = [Number(wide.tolerationSeconds), Number(narrow.tolerationSeconds ?? Infinity)];
    if (least > most) return false;
  }
  return wide.operator === 'Exists' || (narrow.operator !== 'Exists' && (wide.value ?? '') === (narrow.value ?? ''));
}

function sameOperator(left: V1Toleration, right: V1Toleration): boolean {
  return (left.operator || 'Equal') === (right.operator || 'Equal');
}
