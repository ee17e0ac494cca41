import {
  AUTHORIZER_TYPE,
  BOOL,
  CelCompileError,
  CelEnvironment,
  CelResultTypeError,
  DYN,
  INT,
  listOf,
  mapOf,
  objectType,
  RESOURCE_CHECK_TYPE,
  STRING,
  TIMESTAMP,
  type CelField,
  type CelProgram,
  type CelType,
} from '../../../../lib/cel/index.js';
import type { V1Variable } from '../../../../lib/schema/generated/types.js';

/** What an expression of admission may look at besides `object`, `oldObject`, `request` and `namespaceObject`. */
export interface ExpressionScope {
  readonly hasParams?: boolean;
  readonly hasAuthorizer?: boolean;
  /** Names and types of the policy's variables that stand before the expression. */
  readonly variables?: ReadonlyMap<string, CelType>;
  /** Of `object` and `oldObject`, and of `params`, where they are known; otherwise they may be anything. */
  readonly object?: CelType;
  readonly params?: CelType;
  /** The expression may make objects: `Object{spec: Object.spec{…}}` and `JSONPatch{op: …}`. */
  readonly makesObjects?: boolean;
}

/** An expression that cannot be used; `message` is Kubernetes' detail behind `Invalid value: "…": `. */
export class ExpressionError extends Error {
  readonly code = 'expression';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ExpressionError';
  }
}

/** Compiles an expression, whose value must be of one of the types given, if any are. Throws an `ExpressionError`. */
export function compileExpression(
  source: string,
  results: readonly CelType[] | undefined,
  scope: ExpressionScope,
): CelProgram {
  const { hasParams = false, hasAuthorizer = false, variables, makesObjects = false } = scope;
  const { object = DYN, params = DYN } = scope;
  const environment = new CelEnvironment({
    variables: {
      object,
      oldObject: object,
      request: REQUEST_TYPE,
      namespaceObject: NAMESPACE_TYPE,
      ...(hasParams ? { params } : {}),
      ...(hasAuthorizer ? { authorizer: AUTHORIZER_TYPE, 'authorizer.requestResource': RESOURCE_CHECK_TYPE } : {}),
      ...(variables === undefined ? {} : { variables: variablesType(variables) }),
    },
    types: makesObjects ? [JSON_PATCH_TYPE, ...objectTypesIn(source)] : [],
  });
  try {
    return environment.compile(source, results);
  } catch (error) {
    if (error instanceof CelCompileError)
      throw new ExpressionError(`compilation failed: ${error.message}`, { cause: error });
    if (error instanceof CelResultTypeError) throw new ExpressionError(error.message, { cause: error });
    throw error;
  }
}

/** A policy's variables, each of which may use those before it. `onError` is told of what cannot be compiled, by its index. */
export function compileVariables(
  variables: readonly V1Variable[] | undefined,
  scope: ExpressionScope,
  onError: (index: number, error: ExpressionError) => void,
): { programs: { name: string; program: CelProgram }[]; types: ReadonlyMap<string, CelType> } {
  const types = new Map<string, CelType>();
  const programs: { name: string; program: CelProgram }[] = [];
  for (const [index, { name, expression }] of (variables ?? []).entries()) {
    let type = DYN;
    try {
      const program = compileExpression(expression, undefined, { ...scope, variables: new Map(types) });
      type = program.resultType;
      programs.push({ name, program });
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      onError(index, error);
    }
    types.set(name, type);
  }
  return { programs, types };
}

function record(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return objectType(name, new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type }])));
}

function variablesType(variables: ReadonlyMap<string, CelType>): CelType {
  return record('kubernetes.variables', Object.fromEntries(variables));
}

const KIND_TYPE = record('kubernetes.GroupVersionKind', { group: STRING, version: STRING, kind: STRING });
const RESOURCE_TYPE = record('kubernetes.GroupVersionResource', { group: STRING, version: STRING, resource: STRING });
const USER_TYPE = record('kubernetes.UserInfo', {
  username: STRING,
  uid: STRING,
  groups: listOf(STRING),
  extra: mapOf(STRING, listOf(STRING)),
});

const REQUEST_TYPE = record('kubernetes.AdmissionRequest', {
  kind: KIND_TYPE,
  resource: RESOURCE_TYPE,
  subResource: STRING,
  requestKind: KIND_TYPE,
  requestResource: RESOURCE_TYPE,
  requestSubResource: STRING,
  name: STRING,
  namespace: STRING,
  operation: STRING,
  userInfo: USER_TYPE,
  dryRun: BOOL,
  options: DYN,
});

const NAMESPACE_TYPE = record('kubernetes.Namespace', {
  metadata: record('kubernetes.NamespaceMetadata', {
    name: STRING,
    generateName: STRING,
    namespace: STRING,
    labels: mapOf(STRING, STRING),
    annotations: mapOf(STRING, STRING),
    UID: STRING,
    creationTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT,
    deletionTimestamp: TIMESTAMP,
    generation: INT,
    resourceVersion: STRING,
    finalizers: listOf(STRING),
  }),
  spec: record('kubernetes.NamespaceSpec', { finalizers: listOf(STRING) }),
  status: record('kubernetes.NamespaceStatus', { phase: STRING }),
});

export const JSON_PATCH_TYPE = record('JSONPatch', { op: STRING, path: STRING, from: STRING, value: DYN });

/** A type that has every field, of any type. */
class OpenFields extends Map<string, CelField> {
  override get(name: string): CelField {
    return { name, type: DYN };
  }

  override has(): boolean {
    return true;
  }
}

export const OBJECT_TYPE = objectType('Object', new OpenFields());

/** The types `Object`, `Object.spec`, … that an expression makes values of: their names say where they stand, and nothing more. */
function objectTypesIn(source: string): CelType[] {
  const names = new Set(source.match(/\bObject(?:\.[A-Za-z_][A-Za-z0-9_]*)*(?=\s*\{)/g));
  return [...names].map((name) => (name === 'Object' ? OBJECT_TYPE : objectType(name, new OpenFields())));
}
