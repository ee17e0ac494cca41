import { notAcceptable } from '../../../lib/api/errors.js';
import { isJsonObject } from '../../../lib/json/path.js';
import { parseTrustedJson } from '../../../lib/json/parse.js';
import { ProtobufError } from '../../../lib/schema/protobuf/errors.js';
import type { MessageSource } from '../../../lib/schema/protobuf/message-source.js';
import { withPartialMetadata } from '../../../lib/schema/protobuf/partial-metadata.js';
import { encodeProtobuf, encodeProtobufList, encodeWatchFrame } from '../../../lib/schema/protobuf/protobuf.js';
import { ACCEPTED_TYPES, parseAccept } from './negotiate.js';
import { isStreamed, type ApiRequest, type ApiResponse } from './request.js';
import { errorResponse, JSON_TYPE } from './respond.js';

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

const JSON_TYPES: ReadonlySet<string> = new Set([...ACCEPTED_TYPES, '*/*', 'application/*']);
const NEWLINE = 0x0a;

/**
 * For clients that accept protobuf and nothing else: the Accept header that asks for the same in JSON. Undefined for those that take
 * JSON too, which they then get, and for Tables, which have no protobuf form.
 */
export function jsonInstead(accept: string): string | undefined {
  const clauses = parseAccept(accept);
  if (clauses.some(({ type }) => JSON_TYPES.has(type))) return undefined;
  const wanted = clauses.filter(({ type, parameters }) => type === PROTOBUF_TYPE && parameters['as'] !== 'Table');
  if (wanted.length === 0) return undefined;
  return wanted
    .map(({ parameters }) =>
      [JSON_TYPE, ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)].join(';'),
    )
    .join(',');
}

export function withAccept(request: ApiRequest, accept: string): ApiRequest {
  return {
    ...request,
    // Getters are lost in a copy, and this one makes what it gives.
    get signal() {
      return request.signal;
    },
    header: (name) => (name === 'accept' ? accept : request.header(name)),
  };
}

/** A JSON answer in protobuf: an object, a list item by item, a Status, or the events of a watch. */
export function toProtobuf(response: ApiResponse, schemas: MessageSource): ApiResponse {
  const { status, body } = response;
  if (response.headers['content-type'] !== JSON_TYPE || body === undefined) return response;
  const source = sourceOf(schemas);
  const headers = { ...response.headers, 'content-type': PROTOBUF_TYPE };
  if (isStreamed(body)) {
    return {
      status,
      headers: { ...headers, 'content-type': `${PROTOBUF_TYPE};stream=watch` },
      body: watchFrames(body, source),
    };
  }
  try {
    return {
      status,
      headers,
      body: body instanceof Uint8Array ? encodeProtobuf(parse(body), source) : list(body, source),
    };
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    return errorResponse(notAcceptable(ACCEPTED_TYPES));
  }
}

const sources = new WeakMap<MessageSource, MessageSource>();

/** Messages are compiled once per source. */
function sourceOf(schemas: MessageSource): MessageSource {
  let source = sources.get(schemas);
  if (source === undefined) sources.set(schemas, (source = withPartialMetadata(schemas)));
  return source;
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  const value = parseTrustedJson(bytes);
  if (!isJsonObject(value)) throw new ProtobufError('only objects can be written as protobuf');
  return value;
}

/** The pieces are what `listBody` makes: head, items with commas between them, tail. */
function list(pieces: readonly Uint8Array[], source: MessageSource): Uint8Array[] {
  const frame = parse(Buffer.concat([pieces[0] ?? NO_BYTES, pieces.at(-1) ?? NO_BYTES]));
  return encodeProtobufList(frame, itemsOf(pieces), source);
}

function* itemsOf(pieces: readonly Uint8Array[]): Generator<Record<string, unknown>, void, undefined> {
  for (let index = 1; index < pieces.length - 1; index += 2) yield parse(pieces[index] ?? NO_BYTES);
}

const NO_BYTES = new Uint8Array(0);

async function* watchFrames(
  lines: AsyncIterable<Uint8Array>,
  source: MessageSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of lines) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    const frames: Uint8Array[] = [];
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      const { type, object } = parse(rest.subarray(0, end)) as { type: string; object: Record<string, unknown> };
      frames.push(encodeWatchFrame(type, encodeProtobuf(object, source)));
      rest = rest.subarray(end + 1);
    }
    if (frames.length > 0) yield Buffer.concat(frames);
  }
}
