import { REF_PREFIX, type Schema } from '../schema.js';
import type { DefinitionDescriptions } from './builtin-schemas.js';

/** The group metrics.k8s.io, of which client-node has no models. There are no messages for it: it is served as JSON. */

const GROUP = 'metrics.k8s.io';
const VERSION = 'v1beta1';
const PREFIX = `io.k8s.metrics.pkg.apis.metrics.${VERSION}.`;
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

const ref = (name: string): Schema => ({ $ref: REF_PREFIX + name });
const TEXT: Schema = { type: 'string' };
const USAGE: Schema = { type: 'object', additionalProperties: ref('io.k8s.apimachinery.pkg.api.resource.Quantity') };

const INTERVAL =
  'The following fields define time interval from which metrics were collected from the interval [Timestamp-Window, Timestamp].';
const USAGE_TEXT = 'The memory usage is the memory working set.';
const KIND_TEXTS = {
  kind: 'Kind is a string value representing the REST resource this object represents.',
  apiVersion: 'APIVersion defines the versioned schema of this representation of an object.',
  metadata: "Standard object's metadata.",
};

function kind(name: string, own: Record<string, Schema>, meta = 'ObjectMeta'): Schema {
  return {
    type: 'object',
    properties: { kind: TEXT, apiVersion: TEXT, metadata: { ...ref(META + meta), default: {} }, ...own },
    required: Object.keys(own).toSorted(),
    'x-kubernetes-group-version-kind': [{ group: GROUP, version: VERSION, kind: name }],
  };
}

function listOf(name: string): Schema {
  return kind(`${name}List`, { items: { type: 'array', items: { ...ref(PREFIX + name), default: {} } } }, 'ListMeta');
}

const measured = { timestamp: ref(`${META}Time`), window: TEXT };
const measuredTexts = { ...KIND_TEXTS, timestamp: INTERVAL, window: INTERVAL };

const DEFINITIONS: Readonly<Record<string, { schema: Schema; texts: DefinitionDescriptions }>> = {
  ContainerMetrics: {
    schema: {
      type: 'object',
      properties: { name: { ...TEXT, default: '' }, usage: USAGE },
      required: ['name', 'usage'],
    },
    texts: {
      description: 'ContainerMetrics sets resource usage metrics of a container.',
      fields: { name: 'Container name corresponding to the one from pod.spec.containers.', usage: USAGE_TEXT },
    },
  },
  NodeMetrics: {
    schema: kind('NodeMetrics', { ...measured, usage: USAGE }),
    texts: {
      description: 'NodeMetrics sets resource usage metrics of a node.',
      fields: { ...measuredTexts, usage: USAGE_TEXT },
    },
  },
  NodeMetricsList: {
    schema: listOf('NodeMetrics'),
    texts: {
      description: 'NodeMetricsList is a list of NodeMetrics.',
      fields: { ...KIND_TEXTS, metadata: 'Standard list metadata.', items: 'List of node metrics.' },
    },
  },
  PodMetrics: {
    schema: kind('PodMetrics', {
      ...measured,
      containers: {
        type: 'array',
        items: { ...ref(`${PREFIX}ContainerMetrics`), default: {} },
        'x-kubernetes-list-type': 'atomic',
      },
    }),
    texts: {
      description: 'PodMetrics sets resource usage metrics of a pod.',
      fields: {
        ...measuredTexts,
        containers: 'Metrics for all containers are collected within the same time window.',
      },
    },
  },
  PodMetricsList: {
    schema: listOf('PodMetrics'),
    texts: {
      description: 'PodMetricsList is a list of PodMetrics.',
      fields: { ...KIND_TEXTS, metadata: 'Standard list metadata.', items: 'List of pod metrics.' },
    },
  },
};

/** By full name: `io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics`. */
export const METRICS_DEFINITIONS: ReadonlyMap<string, { schema: Schema; texts: DefinitionDescriptions }> = new Map(
  Object.entries(DEFINITIONS).map(([name, definition]) => [PREFIX + name, definition]),
);
