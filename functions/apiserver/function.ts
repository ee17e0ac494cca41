import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { Client } from '../../lib/client/client.js';
import { openApi, CLOUD_ENDPOINT, type CloudApi } from '../lambda/cloud-api.js';
import { lazily } from '../lambda/lazily.js';
import { withBindings } from '../lambda/logging.js';
import type { CloudParts } from '../lambda/parts.js';
import { UrlHost, type ResponseStream, type StreamHead } from '../lambda/url-host.js';
import { WatchBudget } from '../lambda/watch-budget.js';
import { bootstrap } from './registry/bootstrap.js';

/** The function behind the function URL. */
export interface ApiFunction {
  stream(event: unknown, context: Context, open: (head: StreamHead) => ResponseStream): Promise<void>;
  buffer(event: unknown, context: Context): Promise<APIGatewayProxyStructuredResultV2>;
}

/** A watch's place is kept a little longer than the watch. */
const PLACE_MARGIN_MS = 30_000;

/** Starts nothing before the first request: what fails then is tried again with the next. */
export function apiFunction(parts: CloudParts): ApiFunction {
  const { config, clock, random, metrics } = parts;
  const opened = lazily(async () => {
    const cloud = await openApi(parts, { isServed: true });
    await ensureFirstObjects(cloud, parts);
    return cloud;
  });
  const budget = new WatchBudget({
    table: parts.heartbeatTable,
    clock,
    random,
    cluster: config.cluster,
    watchesMax: config.watchesMax,
    lifeMs: config.watchSeconds * 1_000 + PLACE_MARGIN_MS,
  });
  const host = new UrlHost({
    handle: async (request) => (await opened()).api.handle(request),
    budget,
    clock,
    metrics,
  });
  const bind = <T>(context: Context | undefined, work: () => Promise<T>): Promise<T> =>
    withBindings({ requestId: context?.awsRequestId ?? '' }, work);
  return {
    stream: (event, context, open) => bind(context, () => host.stream(event, open)),
    buffer: (event, context) => bind(context, () => host.buffer(event)),
  };
}

/** A new cluster gets its first objects with its first request; later the sweep looks after them. */
async function ensureFirstObjects({ store, transport }: CloudApi, { clock, config }: CloudParts): Promise<void> {
  if ((await store.get('core/namespaces', 'default')) !== undefined) return;
  const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
  const client = new Client(transport(user), 'kube-apiserver');
  await bootstrap({ client, clock, endpoint: CLOUD_ENDPOINT, serviceCidr: config.serviceCidr });
}
