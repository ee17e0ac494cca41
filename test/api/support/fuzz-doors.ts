import { expect } from 'vitest';
import { isStreamed, type ApiResponse } from '../../../functions/apiserver/registry/request.js';
import { readAnswer, serve, type Answer, type TestApi, type TestHost, type TestRequest } from './api.js';
import { RawConnection } from './raw-connection.js';

/** A way in to the API server. */
export interface Door {
  /** The answer; of a watch what there is at once. */
  send(request: TestRequest): Promise<Answer>;
  close(): Promise<void>;
}

/** A watch is read this far. */
const WATCH_CHUNKS_MAX = 3;

/** What every host calls. */
export async function directDoor(api: TestApi): Promise<Door> {
  return {
    async send(request) {
      const abort = new AbortController();
      return readSome(await api.handle({ ...request, signal: abort.signal }), abort);
    },
    close: async () => undefined,
  };
}

async function readSome(response: ApiResponse, abort: AbortController): Promise<Answer> {
  if (!isStreamed(response.body)) return readAnswer(response);
  setTimeout(() => abort.abort(), 1);
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) {
    chunks.push(chunk);
    if (chunks.length === WATCH_CHUNKS_MAX) break;
  }
  abort.abort();
  const answer = await readAnswer({ ...response, body: chunks });
  for (const line of answer.text.split('\n')) if (line !== '') expect(JSON.parse(line)).toHaveProperty('object');
  return answer;
}

/** Sockets to the HTTPS host: one for each who asks, as long as it lasts. */
export async function httpsDoor(api: TestApi): Promise<Door> {
  const host = await serve(api);
  const connections = new Map<boolean, RawConnection>();
  return {
    async send(request) {
      const isAnonymous = request.user === null;
      let connection = connections.get(isAnonymous);
      if (connection === undefined || !connection.isOpen) {
        connection = await RawConnection.open(host, { anonymous: isAnonymous });
        connections.set(isAnonymous, connection);
      }
      const answer = await exchange(connection, request);
      const isWatch = answer.headers['transfer-encoding'] === 'chunked';
      if (isWatch || answer.headers.connection === 'close') {
        connection.destroy();
        connections.delete(isAnonymous);
      }
      return answer;
    },
    async close() {
      for (const connection of connections.values()) connection.destroy();
      await checkHealth(host);
      await host.close();
    },
  };
}

async function exchange(connection: RawConnection, { method, path, headers = {}, body }: TestRequest): Promise<Answer> {
  const length: Record<string, string> = body === undefined ? {} : { 'content-length': String(body.byteLength) };
  connection.request(method, path, { headers: { ...headers, ...length } });
  if (body !== undefined) connection.send(body);
  return connection.answer(method);
}

async function checkHealth(host: TestHost): Promise<void> {
  const connection = await RawConnection.open(host);
  connection.request('GET', '/readyz');
  expect(await connection.answer()).toMatchObject({ status: 200, text: 'ok' });
  connection.destroy();
}
