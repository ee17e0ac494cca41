import type { FieldError } from '../../lib/api/field-errors.js';
import { nameIsDnsSubdomain } from '../../lib/api/names.js';
import { validateObjectMeta } from '../../lib/api/validate-metadata.js';
import { isJsonObject } from '../../lib/json/path.js';
import { parseYaml } from '../../lib/json/yaml.js';
import { builtinSchemas } from '../../lib/schema/builtin/builtin-schemas.js';
import { applyDefaults, decodeObject, validateSchema } from '../../lib/schema/engine/index.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { referencedApiKind } from './admission/pod-references.js';
import { definitionOf } from './registry/schema-rules.js';
import { fillZeroValues } from './registry/zero-values.js';
import { pod as podKind, validateNewPod, validatePod } from './resources/core/pod/pod.js';

/** A static pod's file is no pod that a node could run. */
export class StaticPodError extends Error {
  readonly code = 'InvalidStaticPod';

  constructor(message: string) {
    super(message);
    this.name = 'StaticPodError';
  }
}

/**
 * The pod of a manifest (YAML or JSON), completed and checked by the rules that the API server has for any pod: a node runs static pods also
 * when no API server has seen them. `place` makes it the node's own (name, uid, node) before it is checked. Unknown fields are left out, as
 * the kubelet leaves them out. Throws a `StaticPodError`, or the reader's own error, which says what is wrong.
 */
export function readStaticPod(bytes: Uint8Array, place: (pod: V1Pod) => V1Pod): V1Pod {
  const given = parseYaml(bytes);
  if (!isJsonObject(given)) throw new StaticPodError('it holds no object; expected a Pod of apiVersion v1');
  const { apiVersion, kind } = given;
  if (apiVersion !== podKind.version || kind !== podKind.kind) {
    throw new StaticPodError(
      `expected apiVersion v1, kind Pod, got ${JSON.stringify(apiVersion)}, ${JSON.stringify(kind)}`,
    );
  }
  const schemas = builtinSchemas();
  const schema = definitionOf({ schemas }, podKind.definition);
  const decoded = decodeObject(schema, given, schemas).object;
  const placed = place(decoded as V1Pod & Record<string, unknown>) as V1Pod & Record<string, unknown>;
  fillZeroValues(schema, placed, schemas);
  const pod = applyDefaults<V1Pod & Record<string, unknown>>(schema, placed, schemas, { goZeroValues: true });
  podKind.defaults?.(pod);
  const errors = [
    ...validateObjectMeta(pod.metadata ?? {}, { isNamespaced: true, name: nameIsDnsSubdomain }),
    ...validateSchema(schema, pod, schemas, { goZeroValues: true }),
    ...validatePod(pod),
    ...validateNewPod(pod),
  ];
  if (errors.length > 0) throw new StaticPodError(`invalid pod: ${describe(errors)}`);
  const referenced = referencedApiKind(pod);
  if (referenced !== undefined) throw new StaticPodError(`static pods may not reference ${referenced}`);
  return pod;
}

function describe(errors: readonly FieldError[]): string {
  const texts = errors.map(({ field, body }) => `${field}: ${body}`);
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}
