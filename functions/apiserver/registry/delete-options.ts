import { invalidError } from '../../../lib/api/errors.js';
import { forbidden, invalid, notSupported, type FieldError } from '../../../lib/api/field-errors.js';
import type { Call, Registry } from './context.js';
import { decodeGiven } from './decode.js';
import { REQUEST_BODY_MAX_BYTES } from './limits.js';
import { checkDryRun, readBoolean, readInteger } from './options.js';

export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly propagationPolicy: 'Orphan' | 'Background' | 'Foreground' | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly dryRun: boolean;
}

const POLICIES = ['Foreground', 'Background', 'Orphan'] as const;
const DELETE_OPTIONS_SCHEMA = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

/** As sent: in a DELETE's body or query, or in an Eviction. */
export interface GivenDeleteOptions {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: string;
  orphanDependents?: boolean;
  dryRun?: string[];
}

/** From the body where there is one, as in Kubernetes, else from the query. */
export async function readDeleteOptions(registry: Registry, call: Call): Promise<DeleteOptions> {
  return checkedDeleteOptions((await bodyOptions(registry, call)) ?? queryOptions(call.query));
}

/** Throws 422 for what no delete can mean. */
export function checkedDeleteOptions(given: GivenDeleteOptions): DeleteOptions {
  const errors = check(given);
  if (errors.length > 0) throw invalidError({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  const grace = given.gracePeriodSeconds;
  return {
    /** Kubernetes reads a negative period as one second. */
    gracePeriodSeconds: grace !== undefined && grace < 0 ? 1 : grace,
    uid: given.preconditions?.uid ?? '',
    resourceVersion: given.preconditions?.resourceVersion ?? '',
    propagationPolicy: given.propagationPolicy as DeleteOptions['propagationPolicy'],
    orphanDependents: given.orphanDependents,
    dryRun: (given.dryRun ?? []).length > 0,
  };
}

async function bodyOptions(registry: Registry, call: Call): Promise<GivenDeleteOptions | undefined> {
  const bytes = await call.request.body(REQUEST_BODY_MAX_BYTES);
  if (bytes.byteLength === 0) return undefined;
  const { group, version } = call.resource;
  const expected = { group, version, kind: 'DeleteOptions', schema: DELETE_OPTIONS_SCHEMA, anyVersion: true };
  return decodeGiven(registry, call, bytes, expected, { fieldValidation: 'Ignore' }) as GivenDeleteOptions;
}

function queryOptions(query: URLSearchParams): GivenDeleteOptions {
  const policy = query.get('propagationPolicy') ?? '';
  return {
    gracePeriodSeconds: readInteger(query, 'gracePeriodSeconds'),
    propagationPolicy: policy === '' ? undefined : policy,
    orphanDependents: query.has('orphanDependents') ? readBoolean(query, 'orphanDependents') : undefined,
    dryRun: query.getAll('dryRun').filter((one) => one !== ''),
  };
}

function check(given: GivenDeleteOptions): FieldError[] {
  const errors: FieldError[] = [];
  const { propagationPolicy: policy, orphanDependents, dryRun = [] } = given;
  if (policy !== undefined && orphanDependents !== undefined) {
    errors.push(invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (policy !== undefined && !(POLICIES as readonly string[]).includes(policy)) {
    errors.push(notSupported('propagationPolicy', policy, [...POLICIES, 'nil']));
  }
  errors.push(...checkDryRun(dryRun));
  if (given.gracePeriodSeconds !== undefined && !Number.isSafeInteger(Number(given.gracePeriodSeconds))) {
    errors.push(forbidden('gracePeriodSeconds', 'must fit a 53-bit integer'));
  }
  return errors;
}
