import type { Clock } from '../../../../lib/clock/clock.js';
import type { Log } from '../../registry/context.js';
import { AwsIamTokens } from './aws-iam-tokens.js';
import { IdentityMappings, MappingError, type IdentityMapping } from './mapping.js';
import type { StsFetch } from './sts.js';

export { AwsIamTokens, type AwsIamTokensOptions } from './aws-iam-tokens.js';
export { IdentityMappings, MappingError, type IdentityMapping } from './mapping.js';

/** The configuration of a cluster's identities on AWS, as JSON in the function's environment. */
export interface AwsIdentityConfig {
  stsHosts: string[];
  mappings: IdentityMapping[];
  clusterHeader?: string;
}

/** Throws a `MappingError` that says what is wrong: a function with a broken configuration must not start. */
export function readAwsIdentityConfig(json: string): AwsIdentityConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new MappingError(`the configuration of AWS identities is not JSON: ${String(error)}`);
  }
  const { stsHosts, mappings, clusterHeader } = asRecord(parsed, 'the configuration of AWS identities');
  if (clusterHeader !== undefined && typeof clusterHeader !== 'string')
    throw new MappingError('clusterHeader is not a text');
  return {
    stsHosts: texts(stsHosts, 'stsHosts'),
    mappings: list(mappings, 'mappings').map((entry, index) => {
      const { arn, username, groups } = asRecord(entry, `mappings[${index}]`);
      if (typeof arn !== 'string' || typeof username !== 'string')
        throw new MappingError(`mappings[${index}] lacks arn or username`);
      return { arn, username, groups: texts(groups, `mappings[${index}].groups`) };
    }),
    ...(clusterHeader === undefined ? {} : { clusterHeader }),
  };
}

/** The verifier of tokens of AWS, for the `verifiers` of the authenticator. Throws a `MappingError`. */
export function awsIamTokens(
  config: AwsIdentityConfig,
  context: { clusterName: string; clock: Clock; log: Log; fetch: StsFetch; stsEndpoint?: string },
): AwsIamTokens {
  const { stsHosts, mappings, clusterHeader } = config;
  return new AwsIamTokens({
    ...context,
    stsHosts,
    mappings: new IdentityMappings(mappings),
    ...(clusterHeader === undefined ? {} : { clusterHeader }),
  });
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MappingError(`${what} is not an object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new MappingError(`${what} is not a list`);
  return value;
}

function texts(value: unknown, what: string): string[] {
  return list(value, what).map((entry) => {
    if (typeof entry !== 'string') throw new MappingError(`${what} has an entry that is not a text`);
    return entry;
  });
}
