import { CelError } from '../errors.js';
import { asText, method, type Overload, over } from '../overload.js';
import { BOOL, opaqueType, STRING } from '../types.js';
import { CelOpaque } from '../values.js';

/** What an expression asks the authorizer: either a path or a resource. */
export interface CelAccessQuestion {
  verb: string;
  /** Set for questions about a path that is no resource. */
  path?: string;
  group?: string;
  resource?: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  fieldSelector?: string;
  labelSelector?: string;
  /** Asked for this service account instead of the one who makes the request. */
  serviceAccount?: { namespace: string; name: string };
}

export interface CelAccessAnswer {
  allowed: boolean;
  reason: string;
  /** The check failed: `errored()` and `error()`. */
  error?: string;
}

/** Answers at once: expressions cannot wait, so what it reads must be in memory. */
export type CelAuthorizerPort = (question: CelAccessQuestion) => CelAccessAnswer;

const AUTHORIZER = opaqueType('kubernetes.authorization.Authorizer');
const PATH_CHECK = opaqueType('kubernetes.authorization.PathCheck');
const GROUP_CHECK = opaqueType('kubernetes.authorization.GroupCheck');
const RESOURCE_CHECK = opaqueType('kubernetes.authorization.ResourceCheck');
const DECISION = opaqueType('kubernetes.authorization.Decision');

export const AUTHORIZER_TYPE = AUTHORIZER;
/** The type of `authorizer.requestResource`. */
export const RESOURCE_CHECK_TYPE = RESOURCE_CHECK;

/** A check allows for two authorizations per expression. */
const CHECK_COST = 350_000;

/** A value on the way from `authorizer` to `check(verb)`; also what callers declare the variable with. */
export class CelAccess extends CelOpaque {
  readonly typeName: string;
  readonly port: CelAuthorizerPort;
  readonly question: Partial<CelAccessQuestion>;

  constructor(port: CelAuthorizerPort, question: Partial<CelAccessQuestion> = {}, typeName = AUTHORIZER.name) {
    super();
    this.port = port;
    this.question = question;
    this.typeName = typeName;
  }

  equals(other: CelOpaque): boolean {
    return other === this;
  }

  with(more: Partial<CelAccessQuestion>, typeName: string): CelAccess {
    return new CelAccess(this.port, { ...this.question, ...more }, typeName);
  }
}

class CelDecision extends CelOpaque {
  readonly typeName = DECISION.name;
  readonly answer: CelAccessAnswer;

  constructor(answer: CelAccessAnswer) {
    super();
    this.answer = answer;
  }

  equals(other: CelOpaque): boolean {
    return other === this;
  }
}

function step(name: string, from: typeof AUTHORIZER, to: typeof AUTHORIZER, key: keyof CelAccessQuestion): Overload {
  return method(
    name,
    [from, STRING],
    to,
    over(CelAccess, (access, [value]) => {
      const text = asText(value);
      if (text === '' && (key === 'path' || key === 'resource')) return new CelError(`${key} must not be empty`);
      return access.with({ [key]: text }, to.name);
    }),
  );
}

const check: Overload['apply'] = over(CelAccess, ({ port, question }, [verb]) => {
  return new CelDecision(port({ ...question, verb: asText(verb) }));
});

export const AUTHORIZERS: readonly Overload[] = [
  step('path', AUTHORIZER, PATH_CHECK, 'path'),
  step('group', AUTHORIZER, GROUP_CHECK, 'group'),
  step('resource', GROUP_CHECK, RESOURCE_CHECK, 'resource'),
  step('subresource', RESOURCE_CHECK, RESOURCE_CHECK, 'subresource'),
  step('namespace', RESOURCE_CHECK, RESOURCE_CHECK, 'namespace'),
  step('name', RESOURCE_CHECK, RESOURCE_CHECK, 'name'),
  step('fieldSelector', RESOURCE_CHECK, RESOURCE_CHECK, 'fieldSelector'),
  step('labelSelector', RESOURCE_CHECK, RESOURCE_CHECK, 'labelSelector'),
  method(
    'serviceAccount',
    [AUTHORIZER, STRING, STRING],
    AUTHORIZER,
    over(CelAccess, (access, [namespace, name]) => {
      if (asText(name) === '') return new CelError('Invalid service account name');
      if (asText(namespace) === '') return new CelError('Invalid service account namespace');
      return access.with({ serviceAccount: { namespace: asText(namespace), name: asText(name) } }, AUTHORIZER.name);
    }),
  ),
  method('check', [PATH_CHECK, STRING], DECISION, check, () => CHECK_COST),
  method('check', [RESOURCE_CHECK, STRING], DECISION, check, () => CHECK_COST),
  method(
    'allowed',
    [DECISION],
    BOOL,
    over(CelDecision, ({ answer }) => answer.allowed),
  ),
  method(
    'reason',
    [DECISION],
    STRING,
    over(CelDecision, ({ answer }) => answer.reason),
  ),
  method(
    'errored',
    [DECISION],
    BOOL,
    over(CelDecision, ({ answer }) => answer.error !== undefined),
  ),
  method(
    'error',
    [DECISION],
    STRING,
    over(CelDecision, ({ answer }) => answer.error ?? ''),
  ),
];
