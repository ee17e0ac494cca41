import type { V1Pod, V1PriorityClass } from '../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, AdmissionPlugin, PolicyReader } from './plugin.js';
import { concerns, refusal } from './refusal.js';

const PRIORITY_CLASSES = { group: 'scheduling.k8s.io', plural: 'priorityclasses' };
const PRIORITY_WITHOUT_DEFAULT_CLASS = 0;
const PREEMPTION_POLICY_DEFAULT = 'PreemptLowerPriority';

/** Pods get the priority of their class, and only one class is the default. */
export const priority: AdmissionPlugin = {
  name: 'Priority',

  async mutate(attributes, { policies }) {
    if (!concerns(attributes, 'pods')) return;
    const pod = attributes.object as V1Pod | undefined;
    const spec = pod?.spec;
    if (spec === undefined) return;
    if (attributes.operation === 'UPDATE') {
      const old = (attributes.oldObject as V1Pod | undefined)?.spec;
      spec.priority ??= old?.priority;
      spec.preemptionPolicy ??= old?.preemptionPolicy;
      return;
    }
    if (attributes.operation !== 'CREATE') return;
    const found = await classFor(attributes, policies, spec.priorityClassName ?? '');
    const value = found === undefined ? PRIORITY_WITHOUT_DEFAULT_CLASS : (found.value ?? 0);
    if (found?.metadata?.name !== undefined) spec.priorityClassName = found.metadata.name;
    if (spec.priority != null && spec.priority !== value)
      throw refusal(
        attributes,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    spec.priority = value;
    const policy = found === undefined ? PREEMPTION_POLICY_DEFAULT : found.preemptionPolicy;
    if (policy === undefined) return;
    if (spec.preemptionPolicy != null && spec.preemptionPolicy !== policy)
      throw refusal(
        attributes,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
      );
    spec.preemptionPolicy = policy;
  },

  async validate(attributes, { policies }) {
    const { kind, operation, subresource } = attributes;
    if (kind.group !== PRIORITY_CLASSES.group || kind.plural !== PRIORITY_CLASSES.plural || subresource !== '') return;
    if (operation !== 'CREATE' && operation !== 'UPDATE') return;
    const asked = attributes.object as V1PriorityClass;
    if (asked.globalDefault !== true) return;
    const present = await defaultClass(policies);
    const name = present?.metadata?.name;
    if (name === undefined || (operation === 'UPDATE' && name === asked.metadata?.name)) return;
    throw refusal(attributes, `PriorityClass ${name} is already marked as default. Only one default can exist`);
  },
};

async function classFor(
  attributes: AdmissionAttributes,
  policies: PolicyReader,
  name: string,
): Promise<V1PriorityClass | undefined> {
  if (name === '') return defaultClass(policies);
  const found = await policies.get<V1PriorityClass>(PRIORITY_CLASSES, '', name);
  if (found === undefined) throw refusal(attributes, `no PriorityClass with name ${name} was found`);
  return found;
}

/** Two writers may have made two defaults at the same moment: then the lower one counts. */
async function defaultClass(policies: PolicyReader): Promise<V1PriorityClass | undefined> {
  const classes = await policies.list<V1PriorityClass>(PRIORITY_CLASSES);
  return classes
    .filter(({ globalDefault }) => globalDefault === true)
    .toSorted((left, right) => (left.value ?? 0) - (right.value ?? 0))[0];
}
