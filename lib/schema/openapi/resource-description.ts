import type { GroupVersionKind } from '../../api/meta.js';

/** What OpenAPI needs to know of a resource served under one group and version. */
export interface ApiResourceDescription {
  /** Empty for the core group. */
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  namespaced: boolean;
  /** As in discovery: create, delete, deletecollection, get, list, patch, update, watch. */
  verbs: readonly string[];
  /** Definition name of the kind's schema. */
  definition: string;
  /** Definition name of its list. Default: `definition` followed by `List`. */
  listDefinition?: string;
  subresources: readonly ApiSubresourceDescription[];
  /** A custom resource: it is not written as protobuf, and nothing tells how to merge its lists strategically. */
  isCustom?: boolean;
  /** Another object whenever anything of the resource or its schema is another. */
  identity?: object;
}

export interface ApiSubresourceDescription {
  /** `status`, `scale`, `eviction`, `log`, … */
  name: string;
  kind: GroupVersionKind;
  verbs: readonly string[];
  /** Of what is read and written there; absent where that is no object (`log`, `exec`, `attach`, `portforward`, `proxy`). */
  definition?: string;
}
