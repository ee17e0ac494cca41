import { requestEntityTooLarge } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import { isStreamed, type ApiRequest, type ApiResponse, type Peer } from './request.js';

/** The web's Request as the core's. */
export function fromFetchRequest(request: Request, origin: { peer?: Peer; user?: UserInfo }): ApiRequest {
  const { url, method, headers } = request;
  const pathAt = url.indexOf('/', url.indexOf('://') + 3);
  const questionAt = url.indexOf('?', pathAt);
  const end = questionAt < 0 ? url.length : questionAt;
  return {
    method,
    path: pathAt < 0 ? '/' : url.slice(pathAt, end),
    query: questionAt < 0 ? '' : url.slice(questionAt + 1),
    header: (name) => headers.get(name) ?? undefined,
    headerNames: () => headers.keys(),
    body: (maxBytes) => readBody(request, maxBytes),
    signal: request.signal,
    ...origin,
  };
}

async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw requestEntityTooLarge(`limit is ${maxBytes}`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

/** The core's answer as the web's Response. */
export function toFetchResponse(response: ApiResponse, method: string): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  const { body, status } = response;
  if (method === 'HEAD' || body === undefined) return new Response(null, { status, headers });
  if (isStreamed(body)) return new Response(streamOf(body), { status, headers });
  const bytes = body instanceof Uint8Array ? body : Buffer.concat(body);
  return new Response(bytes as Uint8Array<ArrayBuffer>, { status, headers });
}

function streamOf(body: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
