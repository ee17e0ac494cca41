import { kinds } from '../../../functions/apiserver/resources/index.js';
import { ALL_VERBS, type KindDefinition } from '../../../functions/apiserver/resources/kind.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { KIND_SAMPLES } from '../../../functions/apiserver/registry/kind-samples.js';

/** One kind in one version it is served in. */
export interface KindCase {
  readonly definition: KindDefinition;
  /** `apps/v1 deployments`. */
  readonly title: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** `/apis/apps/v1/deployments`: all namespaces. */
  readonly all: string;
  /** In the suite's namespace. */
  readonly collection: string;
}

export const NAMESPACE = 'default';

function caseOf(definition: KindDefinition, group: string, version: string, kind: string): KindCase {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const all = `${root}/${definition.plural}`;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return {
    definition,
    title: `${apiVersion} ${definition.plural}`,
    apiVersion,
    kind,
    all,
    collection: definition.namespaced ? `${root}/namespaces/${NAMESPACE}/${definition.plural}` : all,
  };
}

/** Every version of every built-in kind whose objects are stored. */
export const KIND_CASES: readonly KindCase[] = kinds
  .filter(({ verbs = ALL_VERBS }) => verbs.includes('create') && verbs.includes('list'))
  .flatMap((definition) => [
    caseOf(definition, definition.group, definition.version, definition.kind),
    ...(definition.alternates ?? []).map(({ group, version, kind }) => caseOf(definition, group, version, kind)),
  ]);

/** Objects whose name says something else than who they are are renamed as a whole. */
const RENAMED: Readonly<Record<string, (text: string, index: number) => string>> = {
  customresourcedefinitions: (text, index) => text.replaceAll('example.com', `example${index}.com`),
  apiservices: (text, index) => text.replaceAll('example.com', `example${index}.com`),
  ipaddresses: (text, index) =>
    text.replaceAll('192.168.7.9', `192.168.${Math.floor(index / 250) % 250}.${(index % 250) + 1}`),
};

/** The `index`-th valid object of a kind in its stored version, without kind and version: what was left out is the expected one. */
export function sampleOf(
  { definition }: KindCase,
  index: number,
  labels: Record<string, string> = {},
): KubernetesObject {
  const { group, plural } = definition;
  const minimal = KIND_SAMPLES[`${group}/${plural}`];
  if (minimal === undefined) throw new Error(`kind-samples.ts has no ${group}/${plural}`);
  const rename = RENAMED[plural];
  const text = JSON.stringify(minimal);
  const object = JSON.parse(rename === undefined ? text : rename(text, index)) as KubernetesObject;
  return { ...object, metadata: { name: `sample-${index}`, ...object.metadata, labels } };
}

/** A status that may be written to the minimal object of a kind, by the title of its case or its plural; by default a condition. */
export const STATUSES: Readonly<Record<string, object>> = {
  'autoscaling/v1 horizontalpodautoscalers': { currentReplicas: 3 },
  resourceclaims: {
    allocation: { devices: { results: [{ request: 'r', driver: 'example.com', pool: 'p', device: 'd' }] } },
  },
  cronjobs: { lastScheduleTime: '2026-01-02T03:04:05Z' },
  ingresses: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } },
  persistentvolumes: { phase: 'Released' },
  resourcequotas: { used: { pods: '1' } },
  volumeattachments: { attached: true },
};

export const CONDITION_STATUS = {
  conditions: [
    {
      type: 'Tested',
      status: 'True',
      reason: 'Test',
      message: 'by a test',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    },
  ],
};

/** What was said of an object: without what is made up for it, and without what Go writes of values that were not given. */
export function essence(object: KubernetesObject): unknown {
  const generated = [object.metadata?.uid ?? '', /kube-api-access-\w+/g, /"(creationTimestamp|time)":"[^"]*"/g];
  const text = generated.reduce<string>((all, one) => all.replaceAll(one, ''), JSON.stringify(object));
  return JSON.parse(text.replaceAll(',,', ',').replaceAll(',}', '}').replaceAll('{,', '{'), (_key, value: unknown) =>
    isEmpty(value) ? undefined : value,
  );
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every((one) => one === undefined);
  return value === null || value === '' || value === 0;
}

/** The sample as a new object of another version, where both read the same. What events.k8s.io asks for is not in older events. */
export function inVersion({ kind, apiVersion }: KindCase, sample: KubernetesObject): KubernetesObject {
  const type = { kind, apiVersion };
  return apiVersion === 'events.k8s.io/v1'
    ? { ...NEW_EVENT, metadata: sample.metadata, ...type }
    : { ...sample, ...type };
}

const NEW_EVENT = {
  eventTime: '2026-01-02T03:04:05.000006Z',
  reportingController: 'example.com/test',
  reportingInstance: 'test-1',
  action: 'Do',
  reason: 'Test',
  type: 'Normal',
  regarding: { kind: 'Pod', namespace: 'default', name: 'x' },
};
