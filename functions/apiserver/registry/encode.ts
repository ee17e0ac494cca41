import { stringifyJson } from '../../../lib/json/stringify.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';

/**
 * Counts the changes of built-in schemas that give existing objects new defaults. Raised by one with each; see `UpToDateStore`.
 * Stored bytes carry it as so many spaces behind their first brace, which JSON allows, so that they can be answered as they are.
 */
export const SCHEMA_NUMBER = 1;

const OPEN = `{${' '.repeat(SCHEMA_NUMBER)}`;
const SPACE = 0x20;

/** The number of the schema that the bytes were written under. */
export function schemaNumberOf(body: Uint8Array): number {
  let at = 1;
  while (body[at] === SPACE) at++;
  return at - 1;
}

/**
 * The form objects are stored in: `{"kind":K,"apiVersion":V,"metadata":{"resourceVersion":"N",…},…}`. The revision stands at the
 * same place in every body of a kind, so that the bytes of another revision are a splice and not a new serialisation.
 */
export interface EncodedObject {
  /** Complete bytes under a revision, not to be changed. Pure and cheap. */
  body(revision: number): Uint8Array;
  /** Complete bytes without a resourceVersion: what a dry run of a create answers. */
  unversioned(): Uint8Array;
}

export function encodeObject(object: KubernetesObject): EncodedObject {
  const { kind, apiVersion, metadata = {}, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata;
  const metaText = stringifyJson(meta);
  const restText = stringifyJson(rest);
  const head = `${headOf(kind ?? '', apiVersion ?? '')}"resourceVersion":"`;
  const members = metaText === '{}' ? '}' : metaText.slice(1);
  const tail = restText === '{}' ? '}' : `,${restText.slice(1)}`;
  const separator = members === '}' ? '' : ',';
  const end = `"${separator}${members}${tail}`;
  let last: { revision: number; bytes: Uint8Array } | undefined;
  return {
    body(revision) {
      // The store asks for them and then the answer, under the same revision.
      if (last?.revision === revision) return last.bytes;
      const text = head + revision + end;
      // Not from the pool: what is stored would keep its neighbours there alive.
      const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
      bytes.write(text);
      last = { revision, bytes };
      return bytes;
    },
    unversioned: () => Buffer.from(`${headOf(kind ?? '', apiVersion ?? '')}${members}${tail}`),
  };
}

/** Kinds and versions are ASCII identifiers, so characters are bytes. */
function headOf(kind: string, apiVersion: string): string {
  return `${OPEN}"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":{`;
}

const VERSION_MEMBER = Buffer.from('"metadata":{"resourceVersion":"');
const QUOTE = 0x22;

/** The revision that stored bytes carry. */
export function revisionOf(body: Uint8Array): number {
  const { bytes, start, end } = findRevision(body);
  return Number(bytes.toString('latin1', start, end));
}

/** Stored bytes with another revision in them. */
export function withRevision(body: Uint8Array, revision: number): Uint8Array {
  const { bytes, start, end } = findRevision(body);
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(String(revision)), bytes.subarray(end)]);
}

function findRevision(body: Uint8Array): { bytes: Buffer; start: number; end: number } {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const member = bytes.indexOf(VERSION_MEMBER);
  if (member < 0) throw new Error('stored bytes carry no resourceVersion where it belongs');
  const start = member + VERSION_MEMBER.length;
  return { bytes, start, end: bytes.indexOf(QUOTE, start) };
}
