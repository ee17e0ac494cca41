import { generateKeyPairSync } from 'node:crypto';
import { ClusterPki } from '../../../cli/cluster-pki.js';
import { startControlPlane, type ControlPlane } from '../../../cli/control-plane.js';
import { HttpsHost, type HttpsHostOptions } from '../../../cli/https-host.js';
import { MemorySecretFiles } from '../../../cli/secret-files.js';
import type { NodeConnection } from '../../../functions/apiserver/registry/node-connection.js';
import { isStreamed, type ApiRequest, type ApiResponse } from '../../../functions/apiserver/registry/request.js';
import { PROTOBUF_TYPE } from '../../../functions/apiserver/registry/protobuf-answer.js';
import { stringifyJson } from '../../../lib/json/stringify.js';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { withPartialMetadata } from '../../../lib/schema/protobuf/partial-metadata.js';
import { decodeProtobuf } from '../../../lib/schema/protobuf/protobuf.js';
import type { FrontProxy } from '../../../functions/composition/api.js';
import { requestEntityTooLarge } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import { systemClock } from '../../../lib/clock/system.js';
import { seededRandom } from '../../../lib/random.js';
import { MemoryStore } from '../../../lib/store/memory/memory-store.js';

export const ADMIN: UserInfo = { username: 'admin', groups: ['system:masters', 'system:authenticated'] };

/** One request as a test states it. The path may carry a query. */
export interface TestRequest {
  method: string;
  path: string;
  /** By lower-case name. */
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Default the administrator; null: nobody, as without credentials. */
  user?: UserInfo | null;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  /** By lower-case name. */
  headers: Record<string, string | string[]>;
  text: string;
  /** The parsed body; fails where it is no JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every kind
  readonly json: any;
}

/** Who asks the API server, whatever the way. */
export interface ApiClient {
  /** A request whose answer ends. `body` is sent as JSON unless it is bytes or text. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  watch(path: string, headers?: Record<string, string>): Promise<TestWatch>;
}

/** The whole API server as `zeroplane up` composes it, over the memory store, without controllers that would change things. */
export interface TestApi extends ApiClient {
  readonly controlPlane: ControlPlane;
  readonly store: MemoryStore;
  /** What the server has logged as its own failure. */
  readonly errors: string[];
  handle(request: TestRequest): Promise<ApiResponse>;
  close(): Promise<void>;
}

let signingKey: string | undefined;

export interface TestApiOptions {
  retentionEventsMax?: number;
  /** By name; default: none, so that nothing changes what a test wrote. */
  controllers?: readonly string[];
  nodeConnection?: NodeConnection;
  /** Who the server is to API servers behind it. */
  frontProxy?: FrontProxy;
}

export async function startApi(options: TestApiOptions = {}): Promise<TestApi> {
  const { retentionEventsMax, controllers = [], nodeConnection, frontProxy } = options;
  const store = new MemoryStore({ clock: systemClock, retentionEventsMax });
  const errors: string[] = [];
  const note = (data: object, message: string): void => void errors.push(`${message}: ${JSON.stringify(data)}`);
  signingKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  const controlPlane = await startControlPlane({
    store,
    clock: systemClock,
    random: seededRandom(1),
    serviceCidr: '10.96.0.0/16',
    podCidr: '10.244.0.0/16',
    endpoint: { addresses: ['192.0.2.1'], port: 6443 },
    caCertificate: 'test certificate',
    ...(nodeConnection === undefined ? {} : { nodeConnection }),
    signingKeys: [signingKey],
    defaultTolerationSeconds: 300,
    ...(frontProxy === undefined ? {} : { frontProxy }),
    wrapControllers: (all) => all.filter(({ name }) => controllers.includes(name)),
    // Its finalizers would stay for ever where no controller takes them away.
    overrideApi: (parts) => ({
      ...parts,
      admission: (parts.admission ?? []).filter(
        ({ name }) => name !== 'StorageObjectInUseProtection' || controllers.includes('pvc-protection'),
      ),
    }),
    log: { info: () => undefined, warn: note, error: note },
  });
  const handle = (request: TestRequest): Promise<ApiResponse> => controlPlane.api.handle(toApiRequest(request));
  return {
    controlPlane,
    store,
    errors,
    handle,
    async request(method, path, body, headers = {}) {
      const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
      const bytes = isRaw ? body : JSON.stringify(body);
      const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      return readAnswer(
        await handle({
          method,
          path,
          headers: { ...type, ...headers },
          ...(bytes === undefined ? {} : { body: Buffer.from(bytes) }),
        }),
      );
    },
    async watch(path, headers = {}) {
      const abort = new AbortController();
      const response = await handle({ method: 'GET', path, headers, signal: abort.signal });
      return readWatch(response, () => abort.abort());
    },
    async close() {
      await controlPlane.close();
      await store.close();
    },
  };
}

export function toApiRequest(request: TestRequest): ApiRequest {
  const { method, path, headers = {}, body = new Uint8Array(0), user = ADMIN } = request;
  const question = path.indexOf('?');
  return {
    method,
    path: question < 0 ? path : path.slice(0, question),
    query: question < 0 ? '' : path.slice(question + 1),
    header: (name) => headers[name],
    headerNames: () => Object.keys(headers),
    body: async (maxBytes) => {
      if (body.byteLength > maxBytes) throw requestEntityTooLarge(`limit is ${maxBytes}`);
      return body;
    },
    signal: request.signal ?? new AbortController().signal,
    ...(user === null ? {} : { user }),
  };
}

const messages = withPartialMetadata(builtinSchemas());

/** An answer's text; of one in protobuf, a watch included, the JSON of what it says. */
export function textOf(contentType: string | string[] | undefined, bytes: Buffer): string {
  const decoded = (body: Uint8Array): string => stringifyJson(decodeProtobuf(body, messages).object);
  if (contentType === PROTOBUF_TYPE) return decoded(bytes);
  if (contentType !== `${PROTOBUF_TYPE};stream=watch`) return bytes.toString('utf8');
  const lines: string[] = [];
  for (let at = 0; at + 4 <= bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    const object = bytes.subarray(bytes.indexOf('k8s\0', at), end);
    if (end <= bytes.length) lines.push(`{"object":${decoded(object)}}`);
    at = end;
  }
  return lines.join('\n');
}

/** The whole answer; of a stream, all until it ends. */
export async function readAnswer({ status, headers, body }: ApiResponse): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  if (isStreamed(body)) for await (const chunk of body) chunks.push(chunk);
  else if (body !== undefined) chunks.push(...(body instanceof Uint8Array ? [body] : body));
  const text = textOf(headers['content-type'], Buffer.concat(chunks));
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

export interface TestWatch {
  readonly status: number;
  /** The next event; undefined when the watch has ended. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into events of every kind
  next(): Promise<any>;
  /** As many events as asked for. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into events of every kind
  take(count: number): Promise<any[]>;
  stop(): void;
}

/** The events of a watch's answer, one by one. */
export function readWatch(response: ApiResponse, stop: () => void): TestWatch {
  if (!isStreamed(response.body)) throw new Error(`no watch: ${response.status} ${String(response.body)}`);
  const chunks = response.body[Symbol.asyncIterator]();
  let buffered = '';
  const next = async (): Promise<unknown> => {
    for (;;) {
      const end = buffered.indexOf('\n');
      if (end >= 0) {
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 1);
        return JSON.parse(line);
      }
      const { done, value } = await chunks.next();
      if (done === true) return undefined;
      buffered += Buffer.from(value).toString('utf8');
    }
  };
  return {
    status: response.status,
    next,
    async take(count) {
      const events: unknown[] = [];
      while (events.length < count) events.push(await next());
      return events;
    },
    stop,
  };
}

/** The API server behind the HTTPS host that `zeroplane up` uses, on a free port of loopback. */
export interface TestHost {
  readonly port: number;
  readonly ca: string;
  /** The administrator's client certificate. */
  readonly admin: { cert: string; key: string };
  close(): Promise<void>;
}

export function testPki(): Promise<ClusterPki> {
  return ClusterPki.open(new MemorySecretFiles(), { clock: systemClock, random: seededRandom(2) });
}

export async function serve(api: TestApi, limits?: HttpsHostOptions['limits'], given?: ClusterPki): Promise<TestHost> {
  const pki = given ?? (await testPki());
  const server = await pki.server({ dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] });
  const admin = await pki.admin();
  const host = new HttpsHost({
    tls: { cert: server.certificate, key: server.privateKey, clientCa: pki.authority.certificate },
    handle: (request) => api.controlPlane.api.handle(request),
    upgrade: (request, socket, head, peer) => api.controlPlane.api.upgrade(request, socket, head, peer),
    ...(limits === undefined ? {} : { limits }),
  });
  const port = await host.listen(0, '127.0.0.1');
  return {
    port,
    ca: pki.authority.certificate,
    admin: { cert: admin.certificate, key: admin.privateKey },
    close: () => host.close(),
  };
}
