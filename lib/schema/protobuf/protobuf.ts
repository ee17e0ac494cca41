import { Encoder } from './encoder.js';
import { decodeEnvelope, type DecodedObject, type TypeMeta } from './envelope.js';
import { ProtobufError } from './errors.js';
import type { MessageSource } from './message-source.js';
import { messageTypes, type MessageType, type MessageTypes } from './message-types.js';
import { Reader } from './reader.js';
import { MAGIC } from './wire.js';
import { BackwardWriter } from './writer.js';

/**
 * Reads a body of `application/vnd.kubernetes.protobuf`. The object is what JSON of the same object would have been
 * read to: integers beyond 2^53 are BigInts, times, bytes and quantities are strings, and what Go's JSON writes as null
 * is null.
 * @param fallback the kind where the body names none, as that of the resource being written
 * @throws ProtobufError
 */
export function decodeProtobuf(bytes: Uint8Array, source: MessageSource, fallback?: TypeMeta): DecodedObject {
  return decodeEnvelope(new Reader(bytes), messageTypes(source), fallback);
}

/**
 * The body that Kubernetes would write of `object`, which must be valid for its `apiVersion` and `kind`.
 * @throws ProtobufError when the kind is not built in or a value is of a wrong type
 */
export function encodeProtobuf(object: Record<string, unknown>, source: MessageSource): Uint8Array {
  const { types, type, typeMeta } = typeOf(object, source);
  const writer = new BackwardWriter();
  const encoder = new Encoder(writer, types);
  // Kubernetes writes the empty content encoding and content type too.
  writer.string(4, '');
  writer.string(3, '');
  writer.delimited(2, () => encoder.message(type, object));
  writeTypeMeta(writer, typeMeta);
  writer.prepend(Uint8Array.from(MAGIC));
  return writer.result();
}

/**
 * The same of a list, item by item, so that only one is held in parsed form: `list` is without its items.
 * @throws ProtobufError
 */
export function encodeProtobufList(
  list: Record<string, unknown>,
  items: Iterable<Record<string, unknown>>,
  source: MessageSource,
): Uint8Array[] {
  const { types, type, typeMeta } = typeOf(list, source);
  const element = type.fields.find(({ name }) => name === 'items')?.element;
  if (element?.is !== 'message') throw new ProtobufError(`${typeMeta.kind} is no list`);
  const frame = new BackwardWriter();
  new Encoder(frame, types).message(type, { ...list, items: [] });
  const parts = [frame.result()];
  for (const item of items) {
    const writer = new BackwardWriter();
    writer.delimited(ITEMS_FIELD, () => new Encoder(writer, types).message(element.message, item));
    parts.push(writer.result());
  }
  const head = new BackwardWriter();
  head.lengthOf(
    2,
    parts.reduce((sum, part) => sum + part.byteLength, 0),
  );
  writeTypeMeta(head, typeMeta);
  head.prepend(Uint8Array.from(MAGIC));
  const tail = new BackwardWriter();
  tail.string(4, '');
  tail.string(3, '');
  return [head.result(), ...parts, tail.result()];
}

/** One event of a watch: its length in four bytes, then a WatchEvent around the object's own body. */
export function encodeWatchFrame(type: string, object: Uint8Array): Uint8Array {
  const writer = new BackwardWriter();
  writer.delimited(2, () => writer.bytes(1, object));
  writer.string(1, type);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(writer.size);
  writer.prepend(length);
  return writer.result();
}

/** Of all lists of Kubernetes. */
const ITEMS_FIELD = 2;

function typeOf(
  object: Record<string, unknown>,
  source: MessageSource,
): { types: MessageTypes; type: MessageType; typeMeta: TypeMeta } {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
    throw new ProtobufError('an object without apiVersion and kind cannot be written as protobuf');
  }
  const types = messageTypes(source);
  const name = types.definitionOf(apiVersion, kind);
  if (name === undefined) {
    throw new ProtobufError(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`,
      'UnknownKind',
    );
  }
  return { types, type: types.message(name), typeMeta: { apiVersion, kind } };
}

function writeTypeMeta(writer: BackwardWriter, { apiVersion, kind }: TypeMeta): void {
  writer.delimited(1, () => {
    writer.string(2, kind);
    writer.string(1, apiVersion);
  });
}
