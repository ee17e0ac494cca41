import { deepEqual } from '../../../lib/api/equality.js';
import { isApiError } from '../../../lib/api/errors.js';
import { keyOf, parseKey, refOf } from '../../../lib/client/client.js';
import { endpoints, services } from '../../../lib/client/resources.js';
import type { V1Endpoints, V1Pod, V1Service } from '../../../lib/schema/generated/types.js';
import { watch, watchSelf, type Controller, type ControllerContext } from '../../../lib/work/controller.js';
import { Pacing } from '../shared/pacing.js';
import { isNamespaceTerminating } from '../shared/pod-control.js';
import {
  hasOwnEndpoints,
  HEADLESS_LABEL,
  isHeadless,
  podsOfService,
  triggerTime,
  TRIGGER_TIME_ANNOTATION,
  watchServicePods,
} from '../shared/service-pods.js';
import { subsetsOf, truncated } from './subsets.js';

const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const OVER_CAPACITY_ANNOTATION = 'endpoints.kubernetes.io/over-capacity';
const TRUNCATED = 'truncated';

/** Marks keys of services that were deleted: their Endpoints go with them, even hand-made ones. */
const DELETED_SUFFIX = '#deleted';

/** Keeps the Endpoints of services with a selector. Keys are services. */
export function endpointsController(): Controller {
  const pacing = new Pacing();
  return {
    name: 'endpoint',
    watches: [
      watch(services, ({ type, object }) => [type === 'deleted' ? keyOf(object) + DELETED_SUFFIX : keyOf(object)]),
      watchServicePods(),
      watchSelf(endpoints),
    ],
    async reconcile(key, context) {
      const waitMs = pacing.waitMs(key, context.clock.now());
      if (waitMs > 0) return { requeueAfterMs: waitMs };
      const size = await reconcile(key, context);
      pacing.looked(key, size, context.clock.now());
      return undefined;
    },
  };
}

/** How many pods the service has. */
async function reconcile(key: string, context: ControllerContext): Promise<number> {
  const wasDeleted = key.endsWith(DELETED_SUFFIX);
  const { namespace, name } = parseKey(wasDeleted ? key.slice(0, -DELETED_SUFFIX.length) : key);
  const service = (await context.view(services)).get(namespace, name);
  const present = (await context.view(endpoints)).get(namespace, name);
  if (service === undefined) {
    const isOurs = present?.metadata?.labels?.[MANAGED_BY_LABEL] === MANAGER;
    if (present !== undefined && (wasDeleted || isOurs)) await remove(present, context);
    return 0;
  }
  if (!hasOwnEndpoints(service)) return 0;
  const selected = await podsOfService(service, context);
  await write(service, selected, present, context);
  return selected.length;
}

async function write(
  service: V1Service,
  selected: readonly V1Pod[],
  present: V1Endpoints | undefined,
  { client, events }: ControllerContext,
): Promise<void> {
  const { namespace, name, labels: serviceLabels = {} } = service.metadata ?? {};
  const { subsets, isTruncated } = truncated(subsetsOf(service, selected));
  const { [HEADLESS_LABEL]: _headless, ...taken } = serviceLabels;
  const labels = {
    ...taken,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
    [MANAGED_BY_LABEL]: MANAGER,
  };
  const annotationsOf = ({ metadata }: V1Endpoints): Record<string, string> => metadata?.annotations ?? {};
  const isRight =
    present !== undefined &&
    deepEqual(present.subsets ?? [], subsets) &&
    deepEqual(present.metadata?.labels ?? {}, labels) &&
    (annotationsOf(present)[OVER_CAPACITY_ANNOTATION] === TRUNCATED) === isTruncated;
  if (isRight) return;
  const time = triggerTime(service, selected);
  const { [OVER_CAPACITY_ANNOTATION]: _capacity, ...kept } = present === undefined ? {} : annotationsOf(present);
  const annotations = {
    ...kept,
    ...(time === undefined ? {} : { [TRIGGER_TIME_ANNOTATION]: time }),
    ...(isTruncated ? { [OVER_CAPACITY_ANNOTATION]: TRUNCATED } : {}),
  };
  if (present !== undefined) {
    await client.update(endpoints, { ...present, metadata: { ...present.metadata, labels, annotations }, subsets });
    return;
  }
  try {
    await client.create(endpoints, { metadata: { namespace, name, labels, annotations }, subsets });
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    await events.warning(
      service,
      'FailedToCreateEndpoint',
      `Failed to create endpoint for service ${namespace}/${name}: ${String(error)}`,
    );
    throw error;
  }
}

async function remove(present: V1Endpoints, { client }: ControllerContext): Promise<void> {
  try {
    await client.delete(endpoints, refOf(present), { preconditions: { uid: present.metadata?.uid } });
  } catch (error) {
    if (!isApiError(error, 'NotFound')) throw error;
  }
}
