import type { UserInfo } from '../../../lib/api/meta.js';
import { FakeClock } from '../../../lib/clock/fake.js';
import { seededRandom } from '../../../lib/random.js';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../app.js';
import { kinds } from '../resources/index.js';

export const ADMIN: UserInfo = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; fails where it is no JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every kind
  json: any;
}

/** A whole API server over the memory store, on a clock that stands still, for tests beside the code. */
export interface TestServer {
  readonly server: ApiServer;
  readonly store: MemoryStore;
  readonly clock: FakeClock;
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The events of a watch as they come. */
  watch(path: string, headers?: Record<string, string>): Promise<TestWatch>;
}

export interface TestWatch {
  readonly response: Response;
  /** The next event; undefined when the watch has ended. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into events of every kind
  next(): Promise<any>;
  stop(): void;
}

export function testServer(options: Partial<ApiServerOptions> & { retentionEventsMax?: number } = {}): TestServer {
  const clock = (options.clock as FakeClock | undefined) ?? new FakeClock();
  const store = new MemoryStore({ clock, retentionEventsMax: options.retentionEventsMax });
  const server = createApiServer({
    store,
    clock,
    random: seededRandom(1),
    kinds,
    schemas: builtinSchemas(),
    authenticator: { authenticate: async () => ADMIN },
    authorizer: { authorize: async () => ({ allowed: true, reason: '' }) },
    ...options,
  });
  return {
    server,
    store,
    clock,
    async request(method, path, body, headers = {}) {
      const isRaw = typeof body === 'string' || body instanceof Uint8Array;
      const response = await server.fetch(
        new Request(`http://api${path}`, {
          method,
          headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
        }),
      );
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        text,
        get json() {
          return JSON.parse(text);
        },
      };
    },
    async watch(path, headers = {}) {
      const abort = new AbortController();
      const response = await server.fetch(new Request(`http://api${path}`, { headers, signal: abort.signal }));
      return readWatch(response, abort);
    },
  };
}

function readWatch(response: Response, abort: AbortController): TestWatch {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let buffered = '';
  return {
    response,
    async next() {
      for (;;) {
        const end = buffered.indexOf('\n');
        if (end >= 0) {
          const line = buffered.slice(0, end);
          buffered = buffered.slice(end + 1);
          return JSON.parse(line);
        }
        const { done, value } = await reader.read();
        if (done) return undefined;
        buffered += decoder.decode(value, { stream: true });
      }
    },
    stop: () => abort.abort(),
  };
}
