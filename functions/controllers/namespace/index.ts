import { deepEqual } from '../../../lib/api/equality.js';
import { isApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { keyOf } from '../../../lib/client/client.js';
import type { Resource } from '../../../lib/client/resource.js';
import { namespaces } from '../../../lib/client/resources.js';
import type { V1Namespace } from '../../../lib/schema/generated/types.js';
import {
  watch,
  type Controller,
  type ControllerContext,
  type ControllerWatch,
  type Outcome,
} from '../../../lib/work/controller.js';
import { InFlight } from '../../../lib/work/in-flight.js';
import { collectedResources } from '../garbage-collector/resources.js';
import { isActive } from '../shared/namespaces.js';
import { conditionsFor, type Findings } from './conditions.js';
import { deleteContent, FINALIZER_ESTIMATE_SECONDS, type Remains } from './content.js';
import { discoverResources, type DeletableResource } from './discovery.js';

const FINALIZER = 'kubernetes';

/** Resources whose objects are deleted at one time. */
const RESOURCES_AT_A_TIME = 8;

/** So many objects left, and each that goes brings another round; while there are more, rounds wait for their time. */
const LAST_MAX = 10;

/**
 * Empties a namespace that is being deleted, in rounds until nothing is left, and then lets it go. Pods go first, so that they can still use what
 * else the namespace holds. Keys are namespaces. For `policyAgeMs` another API server may not know yet that it goes, and still let objects in.
 */
export function namespaceController(policyAgeMs: number): Controller {
  return {
    name: 'namespace',
    watches: [
      watch(namespaces, ({ type, object, previous }) =>
        type !== 'deleted' && object.metadata?.deletionTimestamp !== undefined && needsLook(object, previous)
          ? [keyOf(object)]
          : [],
      ),
      ...[...collectedResources.values()].filter(({ namespaced }) => namespaced).map(watchLastToGo),
    ],
    async reconcile(name, context) {
      const namespace = (await context.view(namespaces)).get(undefined, name);
      if (namespace?.metadata?.deletionTimestamp === undefined || !isHeld(namespace)) return undefined;
      return empty(namespace, context, policyAgeMs);
    },
  };
}

/** Its own status is written in every round: only what others change calls for another. */
function needsLook(namespace: V1Namespace, previous: V1Namespace | undefined): boolean {
  if (previous?.metadata?.deletionTimestamp === undefined) return true;
  return !deepEqual(previous.spec?.finalizers, namespace.spec?.finalizers);
}

/** What had to wait for finalizers or its grace period is gone, one of the last of its kind: the next round may begin. */
function watchLastToGo(resource: Resource<KubernetesObject>): ControllerWatch {
  return watch(resource, async ({ type, object, previous }, lookup) => {
    const lingered = (previous ?? object).metadata?.deletionTimestamp !== undefined;
    const name = object.metadata?.namespace ?? '';
    if (type !== 'deleted' || !lingered) return [];
    const namespace = (await lookup.view(namespaces)).get(undefined, name);
    if (namespace === undefined || isActive(namespace)) return [];
    return (await lookup.view(resource)).list(name).length <= LAST_MAX ? [name] : [];
  });
}

function isHeld(namespace: V1Namespace): boolean {
  return (namespace.spec?.finalizers ?? []).includes(FINALIZER);
}

async function empty(namespace: V1Namespace, context: ControllerContext, policyAgeMs: number): Promise<Outcome> {
  const { client, clock } = context;
  const deletedMs = Date.parse(namespace.metadata?.deletionTimestamp ?? '');
  // Its time is in whole seconds, cut off.
  const closedMs = policyAgeMs === 0 ? 0 : deletedMs + 1_000 + policyAgeMs;
  const isClosed = clock.now() >= closedMs;
  const { resources, failures } = await discoverResources(client);
  const findings: Findings = { discoveryFailures: failures, contentErrors: [], remains: [] };
  const arePods = ({ group, plural }: DeletableResource): boolean => group === '' && plural === 'pods';
  const pods = resources.filter(arePods);
  const others = resources.filter((resource) => !arePods(resource));
  const podsLeft = await deleteAll(pods, namespace, context, findings.contentErrors);
  const podsAreGone = findings.contentErrors.length === 0 && podsLeft.every(({ count }) => count === 0);
  const othersLeft = podsAreGone ? await deleteAll(others, namespace, context, findings.contentErrors) : [];
  findings.remains = [...podsLeft, ...othersLeft];

  const left = findings.remains.filter(({ count }) => count > 0);
  // Kubernetes takes what neither a finalizer nor a grace period explains for an error; it goes when its node tells or is removed.
  const unexplained = left.filter(({ estimateSeconds }) => estimateSeconds === 0);
  const errors = [...findings.contentErrors];
  findings.contentErrors.push(...unexplained.map((one) => unexpected(namespace, one)));
  const told = await tell(namespace, findings, context);
  const failure = errors[0] ?? [...failures.values()][0];
  if (failure !== undefined) throw failure;
  if (left.length > 0) {
    const estimateSeconds = Math.max(...left.map((one) => one.estimateSeconds)) || FINALIZER_ESTIMATE_SECONDS;
    return { requeueAfterMs: (Math.floor(estimateSeconds / 2) + 1) * 1000 };
  }
  // What came in late has not been seen in this round.
  if (!isClosed) return { requeueAfterMs: Math.max(1, closedMs - clock.now()) };
  return release(told, context);
}

/** Tries all of them; errors are collected. */
async function deleteAll(
  resources: readonly DeletableResource[],
  namespace: V1Namespace,
  context: ControllerContext,
  errors: unknown[],
): Promise<Remains[]> {
  const deletedMs = Date.parse(namespace.metadata?.deletionTimestamp ?? '');
  const secondsSinceDeletion = (context.clock.now() - deletedMs) / 1000;
  const remains: Remains[] = [];
  const underWay = new InFlight(RESOURCES_AT_A_TIME);
  for (const resource of resources) {
    await underWay.start(async () => {
      try {
        remains.push(await deleteContent(context, resource, keyOf(namespace), secondsSinceDeletion));
      } catch (error) {
        // The resource is served no longer: its objects are nobody's matter.
        if (!isApiError(error, 'NotFound') && !isApiError(error, 'MethodNotAllowed')) errors.push(error);
      }
    });
  }
  await underWay.drain();
  return remains;
}

function unexpected(namespace: V1Namespace, { resource }: Remains): Error {
  const { group, version, plural } = resource;
  return new Error(
    `unexpected items still remain in namespace: ${keyOf(namespace)} for gvr: ${group}/${version}, Resource=${plural}`,
  );
}

async function tell(
  namespace: V1Namespace,
  findings: Findings,
  { client, clock }: ControllerContext,
): Promise<V1Namespace> {
  const present = namespace.status?.conditions ?? [];
  const conditions = conditionsFor(findings, present, clock.now());
  if (namespace.status?.phase === 'Terminating' && deepEqual(present, conditions)) return namespace;
  return client.updateStatus(namespaces, {
    ...namespace,
    status: { ...namespace.status, phase: 'Terminating', conditions },
  });
}

async function release(namespace: V1Namespace, { client }: ControllerContext): Promise<undefined> {
  const finalizers = (namespace.spec?.finalizers ?? []).filter((one) => one !== FINALIZER);
  try {
    await client.update(
      namespaces,
      { ...namespace, spec: { ...namespace.spec, finalizers } },
      { subresource: 'finalize' },
    );
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}
