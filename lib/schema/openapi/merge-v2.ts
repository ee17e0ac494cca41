import { deepEqual } from '../../api/equality.js';
import { isJsonObject } from '../../json/path.js';

type Json = Record<string, unknown>;

/** As much of a document of OpenAPI v2 as merging looks at. */
export interface Swagger {
  readonly paths: Json;
  readonly definitions: Json;
}

const DEFINITION = '#/definitions/';
const PARAMETER = '#/parameters/';

/** The part of a document below a path, with the definitions that it refers to. Undefined when there is none, or when it refers to what it does not have. */
export function selectPaths(document: Json, prefix: string): Swagger | undefined {
  const { paths, definitions = {}, parameters = {} } = document;
  if (!isJsonObject(paths) || !isJsonObject(definitions) || !isJsonObject(parameters)) return undefined;
  const selected = Object.fromEntries(
    Object.entries(paths)
      .filter(([path, item]) => `${path}/`.startsWith(prefix) && isJsonObject(item))
      .map(([path, item]) => [path, withParameters(item, parameters)]),
  );
  if (Object.keys(selected).length === 0) return undefined;
  const used: Json = {};
  const open = referencesIn(selected);
  for (let reference = open.pop(); reference !== undefined; reference = open.pop()) {
    const name = nameOf(reference);
    if (name === undefined || !Object.hasOwn(definitions, name)) return undefined;
    if (Object.hasOwn(used, name)) continue;
    used[name] = definitions[name];
    open.push(...referencesIn(definitions[name]));
  }
  return { paths: selected, definitions: used };
}

/**
 * A document with another one's paths: those that it has itself stay its own, and definitions of one name that are not the same get new names
 * (`io.example.Kind_v2`), as Kubernetes merges them. Changes neither.
 */
export function mergeSwagger<T extends Swagger>(document: T, part: Swagger): T {
  const names = new Map<string, string>();
  for (const [name, definition] of Object.entries(part.definitions)) {
    let chosen = name;
    for (let version = 2; isTaken(document.definitions, chosen, definition); version++) chosen = `${name}_v${version}`;
    names.set(name, chosen);
  }
  const definitions = { ...document.definitions };
  for (const [name, definition] of Object.entries(part.definitions)) {
    const chosen = names.get(name) ?? name;
    if (!Object.hasOwn(definitions, chosen)) definitions[chosen] = renamed(definition, names);
  }
  return { ...document, definitions, paths: { ...(renamed(part.paths, names) as Json), ...document.paths } };
}

/** Parameters that operations share stand in each of them: ours do. */
function withParameters(value: unknown, parameters: Json): unknown {
  if (Array.isArray(value)) return value.map((item) => withParameters(item, parameters));
  if (!isJsonObject(value)) return value;
  const { $ref } = value;
  if (typeof $ref === 'string' && $ref.startsWith(PARAMETER) && Object.hasOwn(parameters, $ref.slice(PARAMETER.length)))
    return parameters[$ref.slice(PARAMETER.length)];
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withParameters(member, parameters)]));
}

function isTaken(definitions: Json, name: string, definition: unknown): boolean {
  return Object.hasOwn(definitions, name) && !deepEqual(definitions[name], definition);
}

function nameOf(reference: string): string | undefined {
  return reference.startsWith(DEFINITION) ? reference.slice(DEFINITION.length) : undefined;
}

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === '$ref' && typeof member === 'string' ? [member] : referencesIn(member),
  );
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, names));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const target = name === '$ref' && typeof member === 'string' ? names.get(nameOf(member) ?? '') : undefined;
      return [name, target === undefined ? renamed(member, names) : DEFINITION + target];
    }),
  );
}
