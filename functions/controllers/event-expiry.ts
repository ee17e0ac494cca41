import { isApiError } from '../../lib/api/errors.js';
import { refOf } from '../../lib/client/client.js';
import { events } from '../../lib/client/resources.js';
import type { CoreV1Event } from '../../lib/schema/generated/types.js';
import { watch, type Controller, type ControllerContext } from '../../lib/work/controller.js';
import { InFlight } from '../../lib/work/in-flight.js';

/** How long an event is kept after it last occurred, as kube-apiserver's --event-ttl. */
export const EVENT_TTL_MS = 3_600_000;

/** Events of one span expire together: one scan removes them all. */
const SPAN_MS = 300_000;

const PAGE_SIZE = 500;
const DELETES_AT_A_TIME = 16;

/**
 * Deletes events that last occurred more than an hour ago. Keys are spans of time: an event only makes sure that its span is looked at when it
 * is over long enough, so that many events cost little, and nothing is kept of them here.
 */
export const eventExpiryController: Controller = {
  name: 'event-expiry',
  watches: [
    watch(events, ({ type, object, previous }) => {
      if (type === 'deleted') return [];
      const span = spanOf(object);
      return previous !== undefined && spanOf(previous) === span ? [] : [String(span)];
    }),
  ],
  async reconcile(key, context) {
    const now = context.clock.now();
    const dueMs = (Number(key) + 1) * SPAN_MS + EVENT_TTL_MS;
    if (now < dueMs) return { requeueAfterMs: dueMs - now };
    await removeExpired(now - EVENT_TTL_MS, context);
    return undefined;
  },
};

function spanOf(event: CoreV1Event): number {
  return Math.floor(lastOccurrenceMs(event) / SPAN_MS);
}

export function lastOccurrenceMs({ metadata, lastTimestamp, eventTime, series }: CoreV1Event): number {
  const times = [metadata?.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  return Math.max(...times.map((time) => Date.parse(time ?? '') || 0));
}

async function removeExpired(beforeMs: number, { client }: ControllerContext): Promise<void> {
  const underWay = new InFlight(DELETES_AT_A_TIME);
  const errors: unknown[] = [];
  let token: string | undefined;
  do {
    const page = await client.list(events, { limit: PAGE_SIZE, continue: token });
    for (const event of page.items) {
      if (lastOccurrenceMs(event) > beforeMs) continue;
      // One that has occurred again is another version by now.
      const { uid, resourceVersion } = event.metadata ?? {};
      await underWay.start(() =>
        client.delete(events, refOf(event), { preconditions: { uid, resourceVersion } }).then(
          () => undefined,
          (error: unknown) => void errors.push(error),
        ),
      );
    }
    token = page.continue;
  } while (token !== undefined);
  await underWay.drain();
  const failure = errors.find((error) => !isApiError(error, 'NotFound') && !isApiError(error, 'Conflict'));
  if (failure !== undefined) throw failure;
}
