import { Decoder } from './decoder.js';
import { ProtobufError } from './errors.js';
import type { MessageTypes } from './message-types.js';
import type { Reader } from './reader.js';
import { BYTES, hasMagic, MAGIC } from './wire.js';

export interface TypeMeta {
  apiVersion: string;
  kind: string;
}

export interface DecodedObject extends TypeMeta {
  /** As JSON of the same object would have been read; `kind` and `apiVersion` are in it. */
  object: Record<string, unknown>;
}

/** Reads a whole body: the magic, then Kubernetes' runtime.Unknown with the kind, the object's bytes and their encoding. */
export function decodeEnvelope(reader: Reader, types: MessageTypes, fallback?: TypeMeta): DecodedObject {
  if (reader.end === 0) throw new ProtobufError('empty data');
  const magic = reader.fixed(Math.min(MAGIC.length, reader.end));
  if (!hasMagic(magic)) {
    throw new ProtobufError(
      `provided data does not appear to be a protobuf message, expected prefix [${MAGIC.join(' ')}]`,
    );
  }
  if (reader.done) throw new ProtobufError('empty body');
  const envelope = readUnknown(reader);
  const apiVersion = envelope.apiVersion === '' ? (fallback?.apiVersion ?? '') : envelope.apiVersion;
  const kind = envelope.kind === '' ? (fallback?.kind ?? '') : envelope.kind;
  if (kind === '') throw new ProtobufError("Object 'Kind' is missing in the protobuf body");
  if (apiVersion === '') throw new ProtobufError("Object 'apiVersion' is missing in the protobuf body");
  if (envelope.contentEncoding !== '') {
    throw new ProtobufError(
      `the object's content encoding ${JSON.stringify(envelope.contentEncoding)} is not supported`,
    );
  }
  const name = types.definitionOf(apiVersion, kind);
  if (name === undefined) {
    throw new ProtobufError(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`,
      'UnknownKind',
    );
  }
  const object = reader.nested(envelope.raw, (inner) =>
    new Decoder(inner, types).message(types.message(name), { kind, apiVersion }),
  );
  return { apiVersion, kind, object };
}

interface Unknown extends TypeMeta {
  raw: Uint8Array;
  contentEncoding: string;
}

function readUnknown(reader: Reader): Unknown {
  const unknown: Unknown = { apiVersion: '', kind: '', raw: new Uint8Array(), contentEncoding: '' };
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 8 + BYTES) reader.delimited(() => readTypeMeta(reader, unknown));
    else if (tag === 16 + BYTES) unknown.raw = reader.raw();
    else if (tag === 24 + BYTES) unknown.contentEncoding = reader.string();
    else reader.skip(tag & 7);
  }
  return unknown;
}

function readTypeMeta(reader: Reader, target: TypeMeta): void {
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 8 + BYTES) target.apiVersion = reader.string();
    else if (tag === 16 + BYTES) target.kind = reader.string();
    else reader.skip(tag & 7);
  }
}
