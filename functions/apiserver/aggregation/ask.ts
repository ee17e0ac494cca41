import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../../lib/clock/clock.js';
import {
  AGGREGATOR,
  identityHeaders,
  targetOf,
  type AggregationOptions,
  type ApiService,
} from './extension-servers.js';
import { CHECK_TIMEOUT_MS, DISCOVERY_MAX_BYTES } from './limits.js';

/** What an extension API server answers to a GET of ours: bounded in time and size. Rejects with what went wrong. */
export async function ask(
  service: ApiService,
  path: string,
  accept: string,
  options: AggregationOptions & { clock: Clock },
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
  const ended = new AbortController();
  const cancel = options.clock.setTimer(CHECK_TIMEOUT_MS, () => ended.abort());
  try {
    const answer = await options.connector.request(await targetOf(service, options), {
      method: 'GET',
      path,
      headers: { accept, 'user-agent': 'kube-aggregator', ...identityHeaders(AGGREGATOR) },
      signal: ended.signal,
    });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length > DISCOVERY_MAX_BYTES) throw new Error(`the answer is larger than ${DISCOVERY_MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
  } catch (error) {
    if (ended.signal.aborted) throw new Error('context deadline exceeded', { cause: error });
    throw error;
  } finally {
    cancel();
  }
}
