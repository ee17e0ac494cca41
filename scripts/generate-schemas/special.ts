import type { Schema } from '../../lib/schema/schema.js';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';

/** Anything in JSON: validated by hooks, never looked into by the schema engine. */
const ANYTHING: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

/**
 * Types whose JSON form is written by hand in Kubernetes. client-node writes them as plain strings or `any`; here they
 * keep their names, so that formats are checked and protobuf is read.
 */
export const SPECIAL: Record<string, { schema: Schema; description: string }> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    schema: { type: 'string', format: 'quantity' },
    description:
      'Quantity is a fixed-point number with a unit: a decimal number followed by a binary suffix (Ki, Mi, Gi, Ti, Pi, Ei), a decimal one (n, u, m, k, M, G, T, P, E) or a decimal exponent. It may be written as a string or as a number.',
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    schema: { 'x-kubernetes-int-or-string': true, format: 'int-or-string' },
    description: 'IntOrString is an integer or a string, such as a port by number or by name.',
  },
  [`${META}Time`]: {
    schema: { type: 'string', format: 'date-time' },
    description: 'Time is a point in time with a resolution of seconds, in the form of RFC 3339.',
  },
  [`${META}MicroTime`]: {
    schema: { type: 'string', format: 'micro-time' },
    description: 'MicroTime is a point in time with a resolution of microseconds, in the form of RFC 3339.',
  },
  [`${META}FieldsV1`]: {
    schema: { type: 'object', ...ANYTHING },
    description: 'FieldsV1 is a set of fields as a tree in JSON, as server-side apply records who manages them.',
  },
  [`${META}Patch`]: {
    schema: { type: 'object', ...ANYTHING },
    description: 'Patch is a change to an object; the content type of the request says of which form it is.',
  },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': {
    schema: { type: 'object', ...ANYTHING },
    description: 'RawExtension is an object of a kind that this API does not know.',
  },
  [`${APIEXTENSIONS}JSON`]: { schema: ANYTHING, description: 'JSON is any valid JSON value.' },
  [`${APIEXTENSIONS}JSONSchemaPropsOrArray`]: {
    schema: ANYTHING,
    description: 'JSONSchemaPropsOrArray is one JSONSchemaProps or a list of them.',
  },
  [`${APIEXTENSIONS}JSONSchemaPropsOrBool`]: {
    schema: ANYTHING,
    description: 'JSONSchemaPropsOrBool is a JSONSchemaProps or a boolean.',
  },
  [`${APIEXTENSIONS}JSONSchemaPropsOrStringArray`]: {
    schema: ANYTHING,
    description: 'JSONSchemaPropsOrStringArray is a JSONSchemaProps or a list of strings.',
  },
};
