import type { V1PersistentVolume, V1Pod, V1VolumeAttachment } from '../../../lib/schema/generated/types.js';
import type { ObjectReader } from '../admission/plugin.js';
import type { AuthorizationAttributes } from './auth.js';
import type { Decision } from './authorizer.js';
import { rule, ruleAllows, type PolicyRule } from './policy-rule.js';

const READ = 'get list watch';

/**
 * What every node may do whatever its pods are: kubelet, kube-proxy and DNS are one agent here. That a node writes only its own
 * objects is for the NodeRestriction admission plugin, which sees them.
 */
export const NODE_RULES: readonly PolicyRule[] = [
  rule('create', ['authentication.k8s.io'], ['tokenreviews']),
  rule('create', ['authorization.k8s.io'], ['subjectaccessreviews', 'localsubjectaccessreviews']),
  rule(READ, [''], ['services', 'nodes', 'endpoints']),
  rule('create update patch', [''], ['nodes']),
  rule('update patch', [''], ['nodes/status', 'pods/status']),
  rule('create update patch', ['', 'events.k8s.io'], ['events']),
  rule('create delete', [''], ['pods']),
  rule('create', [''], ['pods/eviction']),
  rule(READ, ['discovery.k8s.io'], ['endpointslices']),
  rule('list watch', ['networking.k8s.io'], ['servicecidrs']),
  rule('create get list watch', ['certificates.k8s.io'], ['certificatesigningrequests']),
  rule(READ, ['storage.k8s.io'], ['csidrivers']),
  rule(READ, ['node.k8s.io'], ['runtimeclasses']),
];

/** The kinds of objects that pods refer to by name in their own namespace. */
export type ReferencedResource = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts';

/** Which objects the pods of a node need. */
export interface NodeReferences {
  /** Whether a pod bound to the node refers to this object. Linearizable: true as soon as the binding is acknowledged. */
  refersTo(nodeName: string, resource: ReferencedResource, namespace: string, name: string): Promise<boolean>;
}

const NODE_LEASE_NAMESPACE = 'kube-node-lease';
const ALLOWED: Decision = { allowed: true, reason: '' };

/** Kubernetes' Node authoriser: a node reads what the pods bound to it need, and little else. */
export class NodeAuthorizer {
  readonly #objects: ObjectReader;
  readonly #references: NodeReferences;

  constructor(objects: ObjectReader, references: NodeReferences) {
    this.#objects = objects;
    this.#references = references;
  }

  /** @param nodeName '' when the user name of a member of system:nodes says none. */
  async authorize(nodeName: string, asked: AuthorizationAttributes): Promise<Decision> {
    if (nodeName === '') return denied(`unknown node for user ${JSON.stringify(asked.user.username)}`);
    if (asked.resourceRequest) {
      switch (asked.group === '' ? asked.resource : `${asked.resource}.${asked.group}`) {
        case 'secrets':
        case 'configmaps':
          return this.#readNamespaced(nodeName, asked);
        case 'persistentvolumeclaims':
          return asked.subresource === 'status' ? this.#updateStatus(nodeName, asked) : this.#get(nodeName, asked);
        case 'persistentvolumes':
        case 'volumeattachments.storage.k8s.io':
          return this.#get(nodeName, asked);
        case 'serviceaccounts':
          return this.#serviceAccount(nodeName, asked);
        case 'leases.coordination.k8s.io':
          return lease(nodeName, asked);
        case 'csinodes.storage.k8s.io':
          return csiNode(nodeName, asked);
        case 'pods':
          if (asked.subresource === '' && ['get', 'list', 'watch'].includes(asked.verb))
            return this.#readPods(nodeName, asked);
      }
    }
    return NODE_RULES.some((candidate) => ruleAllows(candidate, asked)) ? ALLOWED : denied('');
  }

  async #readNamespaced(nodeName: string, asked: AuthorizationAttributes): Promise<Decision> {
    if (!['get', 'list', 'watch'].includes(asked.verb)) return denied('can only read resources of this type');
    if (asked.subresource !== '') return denied('cannot read subresource');
    if (asked.namespace === '') return denied('can only read namespaced object of this type');
    return this.#related(nodeName, asked);
  }

  async #get(nodeName: string, asked: AuthorizationAttributes): Promise<Decision> {
    if (asked.verb !== 'get') return denied('can only get individual resources of this type');
    if (asked.subresource !== '') return denied('cannot get subresource');
    return this.#related(nodeName, asked);
  }

  async #updateStatus(nodeName: string, asked: AuthorizationAttributes): Promise<Decision> {
    return asked.verb === 'update' || asked.verb === 'patch'
      ? this.#related(nodeName, asked)
      : denied('can only get/update/patch this type');
  }

  async #serviceAccount(nodeName: string, asked: AuthorizationAttributes): Promise<Decision> {
    if (asked.verb === 'get' && asked.subresource === '') return this.#readNamespaced(nodeName, asked);
    if (asked.verb !== 'create' || asked.name === '')
      return denied('can only create tokens for individual service accounts');
    if (asked.subresource !== 'token') return denied('can only create token subresource of serviceaccount');
    return this.#related(nodeName, asked);
  }

  async #readPods(nodeName: string, asked: AuthorizationAttributes): Promise<Decision> {
    if (asked.verb !== 'get' && selectedValue(asked, 'spec.nodeName') === nodeName) return ALLOWED;
    if (askedName(asked) !== '') return this.#related(nodeName, asked);
    return denied('can only list/watch pods with spec.nodeName field selector');
  }

  async #related(nodeName: string, asked: AuthorizationAttributes): Promise<Decision> {
    const name = askedName(asked);
    if (name === '') return denied('No Object name found');
    return (await this.#isRelated(nodeName, asked.resource, asked.namespace, name))
      ? ALLOWED
      : denied(`no relationship found between node '${nodeName}' and this object`);
  }

  async #isRelated(nodeName: string, resource: string, namespace: string, name: string): Promise<boolean> {
    switch (resource) {
      case 'secrets':
      case 'configmaps':
      case 'persistentvolumeclaims':
      case 'serviceaccounts':
        return this.#references.refersTo(nodeName, resource, namespace, name);
      case 'pods': {
        const pod = await this.#objects.get<V1Pod>({ group: '', plural: 'pods' }, namespace, name);
        return pod?.spec?.nodeName === nodeName;
      }
      case 'persistentvolumes': {
        const volume = await this.#objects.get<V1PersistentVolume>(
          { group: '', plural: 'persistentvolumes' },
          '',
          name,
        );
        const claim = volume?.spec?.claimRef;
        return (
          claim?.name !== undefined &&
          this.#references.refersTo(nodeName, 'persistentvolumeclaims', claim.namespace ?? '', claim.name)
        );
      }
      case 'volumeattachments': {
        const kind = { group: 'storage.k8s.io', plural: 'volumeattachments' };
        const attachment = await this.#objects.get<V1VolumeAttachment>(kind, '', name);
        return attachment?.spec?.nodeName === nodeName;
      }
      default:
        return false;
    }
  }
}

function denied(reason: string): Decision {
  return { allowed: false, reason };
}

function lease(nodeName: string, asked: AuthorizationAttributes): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(asked.verb))
    return denied('can only get, create, update, patch, or delete a node lease');
  if (asked.namespace !== NODE_LEASE_NAMESPACE)
    return denied(`can only access leases in the ${JSON.stringify(NODE_LEASE_NAMESPACE)} system namespace`);
  if (asked.verb !== 'create' && asked.name !== nodeName)
    return denied('can only access node lease with the same name as the requesting node');
  return ALLOWED;
}

function csiNode(nodeName: string, asked: AuthorizationAttributes): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(asked.verb))
    return denied('can only get, create, update, patch, or delete a CSINode');
  if (asked.subresource !== '') return denied('cannot authorize CSINode subresources');
  if (asked.verb !== 'create' && asked.name !== nodeName)
    return denied('can only access CSINode with the same name as the requesting node');
  return ALLOWED;
}

/** A list or watch of one object by field selector is a request for that object. */
function askedName(asked: AuthorizationAttributes): string {
  return asked.name !== '' ? asked.name : (selectedValue(asked, 'metadata.name') ?? '');
}

/** The value that a field selector demands for a field with `=` or `==`. */
function selectedValue(asked: AuthorizationAttributes, field: string): string | undefined {
  for (const part of (asked.fieldSelector ?? '').split(',')) {
    const match = /^([^=!]+)==?([^=]*)$/.exec(part);
    if (match?.[1] === field) return match[2];
  }
  return undefined;
}
