import { Encoder } from './encoder.js';
import { decodeEnvelope, type DecodedObject, type TypeMeta } from './envelope.js';
import { ProtobufError } from './errors.js';
import type { MessageSource } from './message-source.js';
import { messageTypes } from './message-types.js';
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
  const writer = new BackwardWriter();
  const encoder = new Encoder(writer, types);
  // Kubernetes writes the empty content encoding and content type too.
  writer.string(4, '');
  writer.string(3, '');
  writer.delimited(2, () => encoder.message(types.message(name), object));
  writer.delimited(1, () => {
    writer.string(2, kind);
    writer.string(1, apiVersion);
  });
  writer.prepend(Uint8Array.from(MAGIC));
  return writer.result();
}
