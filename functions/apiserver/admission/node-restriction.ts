import { notFoundError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type {
  AuthenticationV1TokenRequest,
  V1Node,
  V1PersistentVolumeClaim,
  V1Pod,
} from '../../../lib/schema/generated/types.js';
import { nodeNameOf } from '../auth/users.js';
import { equalJson } from '../registry/json-values.js';
import { forbiddenNodeLabels } from './node-labels.js';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from './plugin.js';
import { referencedApiKind } from './pod-references.js';
import { refusal } from './refusal.js';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const NODE_LEASE_NAMESPACE = 'kube-node-lease';

/** A node writes its own objects and those of its pods, and nothing that would draw work or secrets of others to it. */
export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  async mutate(attributes, { objects }) {
    const nodeName = nodeNameOf(attributes.user);
    if (nodeName === undefined) return;
    if (nodeName === '')
      throw refusal(attributes, `could not determine node from user ${JSON.stringify(attributes.user.username)}`);
    const { group, plural } = attributes.kind;
    switch (group === '' ? plural : `${plural}.${group}`) {
      case 'pods':
        return admitPod(nodeName, attributes, objects);
      case 'nodes':
        return admitNode(nodeName, attributes);
      case 'persistentvolumeclaims':
        return admitClaimStatus(nodeName, attributes);
      case 'serviceaccounts':
        return admitTokenRequest(nodeName, attributes, objects);
      case 'leases.coordination.k8s.io':
        return admitLease(nodeName, attributes);
      case 'csinodes.storage.k8s.io':
        if (ownName(attributes) !== nodeName)
          throw refusal(attributes, 'can only access CSINode with the same name as the requesting node');
    }
  },
};

async function admitPod(nodeName: string, attributes: AdmissionAttributes, objects: ObjectReader): Promise<void> {
  const { operation, subresource } = attributes;
  const node = JSON.stringify(nodeName);
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return admitMirrorPod(nodeName, attributes, objects);
      if (operation !== 'DELETE')
        throw refusal(
          attributes,
          `unexpected operation ${JSON.stringify(operation)}, node ${node} can only create and delete mirror pods`,
        );
      if ((await podOf(attributes, objects)).spec?.nodeName !== nodeName)
        throw refusal(attributes, `node ${node} can only delete pods with spec.nodeName set to itself`);
      return;
    case 'status':
      return admitPodStatus(nodeName, attributes);
    case 'eviction':
      if (operation !== 'CREATE') throw refusal(attributes, `unexpected operation ${operation}`);
      if ((await podOf(attributes, objects)).spec?.nodeName !== nodeName)
        throw refusal(attributes, `node ${nodeName} can only evict pods with spec.nodeName set to itself`);
      return;
    default:
      throw refusal(
        attributes,
        `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`,
      );
  }
}

async function admitMirrorPod(nodeName: string, attributes: AdmissionAttributes, objects: ObjectReader): Promise<void> {
  const pod = attributes.object as V1Pod;
  const node = JSON.stringify(nodeName);
  const refuse = (message: string): Error => refusal(attributes, message);
  if (pod.metadata?.annotations?.[MIRROR_ANNOTATION] === undefined)
    throw refuse(
      `pod does not have ${JSON.stringify(MIRROR_ANNOTATION)} annotation, node ${node} can only create mirror pods`,
    );
  if (pod.spec?.nodeName !== nodeName)
    throw refuse(`node ${node} can only create pods with spec.nodeName set to itself`);
  const owners = pod.metadata.ownerReferences ?? [];
  const [owner] = owners;
  if (owners.length > 1) throw refuse(`node ${node} can only create pods with a single owner reference set to itself`);
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== nodeName)
    throw refuse(`node ${node} can only create pods with an owner reference set to itself`);
  if (owner.controller !== true)
    throw refuse(`node ${node} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion === true)
    throw refuse(`node ${node} must not set blockOwnerDeletion on an owner reference`);
  const found = await objects.get({ group: '', plural: 'nodes' }, '', nodeName);
  if (found === undefined) throw notFoundError({ group: '', resource: 'nodes' }, nodeName);
  const uid = found.metadata?.uid ?? '';
  if (owner.uid !== uid) throw refuse(`node ${nodeName} UID mismatch: expected ${owner.uid} got ${uid}`);
  const referenced = referencedApiKind(pod);
  if (referenced !== undefined) throw refuse(`node ${node} can not create pods that reference ${referenced}`);
}

function admitPodStatus(nodeName: string, attributes: AdmissionAttributes): void {
  const node = JSON.stringify(nodeName);
  if (attributes.operation !== 'UPDATE')
    throw refusal(attributes, `unexpected operation ${JSON.stringify(attributes.operation)}`);
  const pod = attributes.object as V1Pod;
  const old = attributes.oldObject as V1Pod;
  if (old.spec?.nodeName !== nodeName)
    throw refusal(attributes, `node ${node} can only update pod status for pods with spec.nodeName set to itself`);
  if (!equalJson(old.metadata?.labels ?? {}, pod.metadata?.labels ?? {}))
    throw refusal(attributes, `node ${node} cannot update labels through pod status`);
  if (!equalJson(old.status?.resourceClaimStatuses ?? [], pod.status?.resourceClaimStatuses ?? []))
    throw refusal(attributes, `node ${node} cannot update resource claim statues`);
}

function admitNode(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation } = attributes;
  const node = JSON.stringify(nodeName);
  const name = ownName(attributes);
  if (name !== nodeName)
    throw refusal(attributes, `node ${node} is not allowed to modify node ${JSON.stringify(name)}`);
  const object = attributes.object as V1Node | undefined;
  const old = attributes.oldObject as V1Node | undefined;
  if (operation === 'CREATE') {
    const labels = forbiddenNodeLabels(object?.metadata?.labels, undefined);
    if (labels.length > 0)
      throw refusal(attributes, `node ${node} is not allowed to set the following labels: ${labels.join(', ')}`);
  }
  if (operation !== 'UPDATE') return;
  if (!equalJson(object?.spec?.taints ?? [], old?.spec?.taints ?? []))
    throw refusal(attributes, `node ${node} is not allowed to modify taints`);
  if (!equalJson(object?.metadata?.ownerReferences ?? [], old?.metadata?.ownerReferences ?? []))
    throw refusal(attributes, `node ${node} is not allowed to modify ownerReferences`);
  const labels = forbiddenNodeLabels(object?.metadata?.labels, old?.metadata?.labels);
  if (labels.length > 0) throw refusal(attributes, `is not allowed to modify labels: ${labels.join(', ')}`);
}

function admitClaimStatus(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.subresource !== 'status') throw refusal(attributes, 'may only update PVC status');
  if (attributes.operation !== 'UPDATE')
    throw refusal(attributes, `unexpected operation ${JSON.stringify(attributes.operation)}`);
  const [claim, old] = [attributes.object, attributes.oldObject].map((object) =>
    withoutResizing(object as V1PersistentVolumeClaim),
  );
  if (!equalJson(claim, old))
    throw refusal(
      attributes,
      `node ${JSON.stringify(nodeName)} is not allowed to update fields other than status.quantity and status.conditions`,
    );
}

/** A claim without what a node reports of it. */
function withoutResizing(claim: V1PersistentVolumeClaim): object {
  const { resourceVersion: _version, managedFields: _managed, ...metadata } = claim.metadata ?? {};
  const {
    capacity: _1,
    conditions: _2,
    allocatedResourceStatuses: _3,
    allocatedResources: _4,
    ...status
  } = claim.status ?? {};
  return { ...claim, metadata, status };
}

async function admitTokenRequest(
  nodeName: string,
  attributes: AdmissionAttributes,
  objects: ObjectReader,
): Promise<void> {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return;
  const request = attributes.object as AuthenticationV1TokenRequest;
  const reference = request.spec?.boundObjectRef;
  if (reference?.apiVersion !== 'v1' || reference.kind !== 'Pod' || !reference.name)
    throw refusal(attributes, 'node requested token not bound to a pod');
  if (!reference.uid) throw refusal(attributes, 'node requested token with a pod binding without a uid');
  const pod = await findPod(objects, attributes.namespace, reference.name);
  if (reference.uid !== pod.metadata?.uid)
    throw refusal(
      attributes,
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (pod.spec?.nodeName !== nodeName)
    throw refusal(attributes, 'node requested token bound to a pod scheduled on a different node');
  const audiences = request.spec?.audiences ?? [];
  if (audiences.length > 1) throw refusal(attributes, 'node may only request 0 or 1 audiences');
  const audience = audiences[0] ?? '';
  if (!projectsAudience(pod, audience))
    throw refusal(
      attributes,
      `audience ${JSON.stringify(audience)} not found in pod spec volume, ${attributes.user.username} is not authorized to request tokens for this audience`,
    );
}

/** Whether a volume of the pod asks for a token of this audience; '' is the API server's. */
function projectsAudience(pod: V1Pod, audience: string): boolean {
  return (pod.spec?.volumes ?? []).some(({ projected, csi }) =>
    csi !== undefined
      ? true
      : projected?.sources?.some(
          ({ serviceAccountToken }) =>
            serviceAccountToken !== undefined && (serviceAccountToken.audience ?? '') === audience,
        ),
  );
}

function admitLease(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.namespace !== NODE_LEASE_NAMESPACE)
    throw refusal(attributes, `can only access leases in the ${JSON.stringify(NODE_LEASE_NAMESPACE)} system namespace`);
  if (ownName(attributes) !== nodeName)
    throw refusal(attributes, 'can only access node lease with the same name as the requesting node');
}

function ownName({ operation, name, object }: AdmissionAttributes): string {
  return operation === 'CREATE' ? (object?.metadata?.name ?? name) : name;
}

async function podOf(attributes: AdmissionAttributes, objects: ObjectReader): Promise<V1Pod> {
  if (attributes.operation === 'DELETE' && attributes.oldObject !== undefined) return attributes.oldObject as V1Pod;
  const name = attributes.name || (attributes.object?.metadata?.name ?? '');
  if (name === '') throw refusal(attributes, 'could not determine pod from request data');
  return findPod(objects, attributes.namespace, name);
}

async function findPod(objects: ObjectReader, namespace: string, name: string): Promise<V1Pod & KubernetesObject> {
  const pod = await objects.get<V1Pod & KubernetesObject>({ group: '', plural: 'pods' }, namespace, name);
  if (pod === undefined) throw notFoundError({ group: '', resource: 'pods' }, name);
  return pod;
}
