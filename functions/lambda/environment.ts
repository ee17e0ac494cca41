import * as z from 'zod/mini';
import { FUNCTION_ENVIRONMENT } from '../../lib/aws/function-environment.js';
import { LOG_LEVELS } from './logging.js';

const text = z.string().check(z.minLength(1, 'is empty'));
const url = z.url('is no URL');
const label = z
  .string()
  .check(z.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "is no DNS label: use a-z, 0-9 and '-'"));
const cidr = z
  .string()
  .check(z.regex(/^[0-9a-fA-F.:]+\/\d{1,3}(,[0-9a-fA-F.:]+\/\d{1,3})?$/, 'is no range like 10.96.0.0/16'));

function count(fallback: number, max: number) {
  const wrong = `is no whole number from 1 to ${max}`;
  return z._default(z.coerce.number(wrong).check(z.int(wrong), z.minimum(1, wrong), z.maximum(max, wrong)), fallback);
}

const schema = z.object({
  cluster: label,
  table: text,
  heartbeatTable: text,
  workQueueUrl: url,
  schedulerQueueUrl: url,
  delayQueueUrl: url,
  deadLetterQueueUrl: z.optional(url),
  signingKeysParameter: text,
  authorityParameter: text,
  frontProxyParameter: z.optional(text),
  secretsKey: z.optional(text),
  endpointParameter: z.optional(text),
  sweepRule: z.optional(text),
  awsIdentity: z.optional(text),
  serviceCidr: z._default(cidr, '10.96.0.0/16'),
  podCidr: z._default(cidr, '10.244.0.0/16'),
  clusterDns: z.optional(text),
  logLevel: z._default(z.enum(LOG_LEVELS, 'is not debug, info, warn or error'), 'info'),
  /** A streamed watch ends after so long at the latest, and its client resumes: an open watch is what costs money. */
  watchSeconds: count(300, 840),
  /** Watches open at one time, over all environments of the function. */
  watchesMax: count(100, 10_000),
  /** How long pods stay on a lost node when they say nothing. */
  tolerationSeconds: count(300, 86_400),
  /** `off` writes no metrics. */
  metrics: z._default(z.enum(['on', 'off'], 'is not on or off'), 'on'),
});

export type CloudConfig = z.infer<typeof schema>;

const NAMES: Readonly<Record<keyof CloudConfig, string>> = {
  ...FUNCTION_ENVIRONMENT,
  tolerationSeconds: 'ZEROPLANE_TOLERATION_SECONDS',
};

/** The configuration of a function. Throws an error that names every variable that is wrong. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): CloudConfig {
  const values = Object.entries(NAMES).flatMap(([field, name]) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [[field, value] as const];
  });
  const result = schema.safeParse(Object.fromEntries(values));
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => {
    const name = NAMES[path[0] as keyof CloudConfig] ?? String(path[0]);
    return `${name}: ${message}`;
  });
  throw new Error(`the environment of the function is not as it must be: ${problems.join('; ')}`);
}
