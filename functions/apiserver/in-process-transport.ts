import { Buffer } from 'node:buffer';
import type { UserInfo } from '../../lib/api/meta.js';
import type { Transport, TransportRequest, TransportResponse } from '../../lib/client/transport.js';
import { isStreamed, type ApiRequest, type ApiResponse, type ResponseBody } from './registry/request.js';

/** A client's transport into the API server of the same process: the same checks as over the network, with this identity. */
export function inProcessTransport(handle: (request: ApiRequest) => Promise<ApiResponse>, user: UserInfo): Transport {
  const neverAborted = new AbortController().signal;
  return {
    async send(request: TransportRequest): Promise<TransportResponse> {
      const [path = '', query = ''] = request.path.split('?', 2);
      const response = await handle({
        method: request.method,
        path,
        query,
        header: (name) => request.headers[name],
        headerNames: () => Object.keys(request.headers),
        body: () => Promise.resolve(bytesOf(request.body)),
        signal: request.signal ?? neverAborted,
        user,
      });
      return {
        status: response.status,
        header: (name) => {
          const value = response.headers[name];
          return Array.isArray(value) ? value.join(', ') : value;
        },
        bytes: () => collect(response.body),
        stream: () => streamOf(response.body),
      };
    },
  };
}

function bytesOf(body: string | Uint8Array | undefined): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array());
}

async function collect(body: ResponseBody): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  if (!isStreamed(body)) return Buffer.concat(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* streamOf(body: ResponseBody): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
