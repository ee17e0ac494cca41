import { parseJson } from '../../json/parse.js';
import { SyntaxFault } from '../../json/errors.js';
import { isJsonObject } from '../../json/path.js';
import { stringifyJson } from '../../json/stringify.js';
import { ANNOTATIONS_BYTES_MAX } from '../../api/validate-metadata.js';
import { applyConfiguration, type Applied, type ApplyRequest } from './apply.js';
import { checkConfiguration } from './check-configuration.js';
import { ConflictError } from './conflicts.js';
import { ApplyError } from './errors.js';
import { difference, type FieldSet } from './field-set.js';
import { compareObjects, fieldSetOfObject, WHOLE_OBJECT } from './object-scope.js';
import { compareText } from './path-element.js';

/** Server-side apply by kubectl goes on where its client-side apply left off; other managers have not applied before. */
const KUBECTL = 'kubectl';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** `applyConfiguration`, where conflicts over what kubectl applied from the client's side are none for kubectl. */
export async function applyOverClientSide(request: ApplyRequest): Promise<Applied> {
  try {
    return await applyConfiguration(request);
  } catch (error) {
    if (!(error instanceof ConflictError) || request.writer.manager !== KUBECTL) throw error;
    const allowed = lastAppliedFields(request);
    if (allowed === undefined) throw error;
    const rest = error.conflicts.flatMap(({ entry, fields }) => {
      const refused = difference(fields, allowed);
      return refused === undefined ? [] : [{ entry, fields: refused }];
    });
    if (rest.length > 0) throw new ConflictError(rest);
    return applyConfiguration({ ...request, force: true });
  }
}

/** The fields that kubectl applied last from the client's side and that are still as it left them. */
function lastAppliedFields({ live, writer, versions }: ApplyRequest): FieldSet | undefined {
  const config = readConfiguration(annotationsOf(live)?.[LAST_APPLIED]);
  const type = versions.typeOf(writer.apiVersion);
  if (config === undefined || type === undefined || config['apiVersion'] !== writer.apiVersion) return undefined;
  try {
    checkConfiguration(type, config);
  } catch (error) {
    if (error instanceof ApplyError) return undefined;
    throw error;
  }
  const fields = fieldSetOfObject(type, config, WHOLE_OBJECT);
  const changes = compareObjects(type, config, live, WHOLE_OBJECT);
  return difference(difference(difference(fields, changes?.modified), changes?.added), changes?.removed);
}

function readConfiguration(text: unknown): Record<string, unknown> | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    const config = parseJson(text);
    return isJsonObject(config) ? config : undefined;
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

function annotationsOf(object: object): Record<string, unknown> | undefined {
  const { metadata } = object as { metadata?: unknown };
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined;
  return isJsonObject(annotations) ? annotations : undefined;
}

/** What kubectl applied, with the annotation that its client-side apply compares with kept up, where there is one. */
export function withLastApplied(applied: Applied, { writer, config }: ApplyRequest): Applied {
  const annotations = annotationsOf(applied.object);
  if (writer.manager !== KUBECTL || annotations === undefined || !annotations[LAST_APPLIED]) return applied;
  const { [LAST_APPLIED]: _, ...others } = annotations;
  const text = `${sortedJson(withoutLastApplied(config))}\n`;
  const fits = bytesOf({ ...others, [LAST_APPLIED]: text }) <= ANNOTATIONS_BYTES_MAX;
  const { metadata } = applied.object as { metadata: object };
  const updated = fits ? { ...others, [LAST_APPLIED]: text } : others;
  return { ...applied, object: { ...applied.object, metadata: { ...metadata, annotations: updated } } };
}

function bytesOf(annotations: Record<string, unknown>): number {
  let bytes = 0;
  for (const name in annotations) bytes += Buffer.byteLength(name) + Buffer.byteLength(String(annotations[name]));
  return bytes;
}

function withoutLastApplied(config: object): object {
  const annotations = annotationsOf(config);
  if (annotations === undefined) return config;
  const { [LAST_APPLIED]: _, ...others } = annotations;
  const { metadata } = config as { metadata: object };
  return { ...config, metadata: { ...metadata, annotations: others } };
}

/** JSON with the members of every object sorted, as Go writes maps. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (!isJsonObject(value)) return stringifyJson(value);
  const members = Object.keys(value)
    .toSorted(compareText)
    .map((name) => `${JSON.stringify(name)}:${sortedJson(value[name])}`);
  return `{${members.join(',')}}`;
}
