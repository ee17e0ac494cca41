import { badRequest, conflict, invalidError } from '../../../lib/api/errors.js';
import { notSupported, required, type FieldError } from '../../../lib/api/field-errors.js';
import type { V1Binding, V1Pod } from '../../../lib/schema/generated/types.js';
import { checkWritePreconditions } from '../registry/preconditions.js';
import { createdStatus } from '../registry/respond.js';
import { rewriteObject } from '../registry/rewrite.js';
import type { SubresourceHandler } from '../registry/subresource.js';
import { setPodCondition } from './pod-conditions.js';

const BINDING = { group: '', resource: 'pods/binding' };

/** POST pods/NAME/binding and the older POST bindings: puts a pod on a node, once. */
export const bindingHandler: SubresourceHandler = {
  async create({ registry, body, namespace, name, options }) {
    const binding = body as V1Binding;
    const given = binding.metadata ?? {};
    const podName = name === '' ? (given.name ?? '') : name;
    if (name !== '' && (given.name ?? '') !== '' && given.name !== name) {
      throw badRequest('name in URL does not match name in Binding object');
    }
    const errors = check(binding);
    if (errors.length > 0) throw invalidError({ group: '', kind: 'Binding' }, podName, errors);
    const pods = registry.catalog.stored('', 'pods');
    if (pods === undefined) throw new Error('pods are not served');
    await rewriteObject(registry, pods, { namespace, name: podName, dryRun: options.dryRun }, (object) => {
      const pod = object as V1Pod;
      const { uid, resourceVersion } = given;
      checkWritePreconditions(pods, object.metadata, { uid, resourceVersion }, BINDING);
      bind(pod, podName, binding, registry.clock.now());
    });
    return createdStatus();
  },
};

function check(binding: V1Binding): FieldError[] {
  const { kind = '', name = '' } = binding.target ?? {};
  const errors: FieldError[] = [];
  if (kind !== '' && kind !== 'Node') errors.push(notSupported('target.kind', kind, ['Node', '<empty>']));
  if (name === '') errors.push(required('target.name'));
  return errors;
}

function bind(pod: V1Pod, name: string, binding: V1Binding, nowMs: number): void {
  const spec = (pod.spec ??= { containers: [] });
  if (pod.metadata?.deletionTimestamp !== undefined) {
    throw conflict(BINDING, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if ((spec.nodeName ?? '') !== '') {
    throw conflict(BINDING, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  }
  if ((spec.schedulingGates ?? []).length > 0) {
    throw conflict(BINDING, name, `pod ${name} has non-empty .spec.schedulingGates`);
  }
  spec.nodeName = binding.target.name;
  const metadata = (pod.metadata ??= {});
  const { annotations = {}, labels = {} } = binding.metadata ?? {};
  if (Object.keys(annotations).length > 0) metadata.annotations = { ...metadata.annotations, ...annotations };
  if (Object.keys(labels).length > 0) metadata.labels = { ...metadata.labels, ...labels };
  setPodCondition(pod, { type: 'PodScheduled', status: 'True', observedGeneration: metadata.generation }, nowMs);
}
