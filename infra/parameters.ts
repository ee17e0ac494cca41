import { isIP } from 'node:net';
import { z } from 'zod';
import { ParameterError } from './errors.js';
import { ALARMS_MAX, WORKER_VOLUME_DEFAULT_GB } from './limits.js';

/** Values of `-c name=value` are texts; those of cdk.json may have their types. */
const boolean = z.union([
  z.boolean(),
  z.enum(['true', 'false'], 'is neither true nor false').transform((text) => text === 'true'),
]);

/** A list, or its entries with commas between them. */
const list = <T extends z.ZodType<string>>(entry: T) =>
  z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((text) => text.trim())
            .filter((text) => text !== '')
        : value,
    z.array(entry),
  );

const whole = (min: number, max: number) =>
  z.coerce
    .number('is not a number')
    .int('is not a whole number')
    .min(min, `is below ${min}`)
    .max(max, `is above ${max}`);

const cidr = z.string().refine((text) => {
  const [ip = '', bits = '', ...rest] = text.split('/');
  return rest.length === 0 && isIP(ip) === 4 && /^\d{1,2}$/.test(bits) && Number(bits) >= 8 && Number(bits) <= 24;
}, 'is not an IPv4 range of /8 to /24 such as 10.96.0.0/16');

const principalArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:(iam::\d{12}:(role|user)\/[\w+=,.@/-]+|iam::\d{12}:root)$/,
    'is not the ARN of a role, a user or an account’s root',
  );

export const ALARM_NAMES = ['dead-letters', 'errors', 'throttles', 'stream-age'] as const;

export type AlarmName = (typeof ALARM_NAMES)[number];

const LOG_RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365] as const;

const schema = z
  .strictObject({
    cluster: z
      .string()
      .regex(
        /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/,
        "is not a name of at most 30 lower-case letters, digits and '-' that starts with a letter",
      )
      .default('main'),
    serviceCidr: cidr.default('10.96.0.0/16'),
    podCidr: cidr.default('10.244.0.0/16'),
    clusterDns: z
      .string()
      .refine((text) => isIP(text) === 4, 'is not an IPv4 address')
      .default('10.96.0.10'),
    admins: list(principalArn).default([]),
    stsRegions: list(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'is not the name of a region')).default([]),
    logLevel: z.enum(['debug', 'info', 'warn', 'error'], 'is none of debug, info, warn, error').default('info'),
    logRetentionDays: z.coerce
      .number('is not a number')
      .refine(
        (days): days is (typeof LOG_RETENTION_DAYS)[number] => LOG_RETENTION_DAYS.some((known) => known === days),
        `is none of ${LOG_RETENTION_DAYS.join(', ')}`,
      )
      .default(14),
    apiMemoryMb: whole(256, 3_008).default(512),
    workMemoryMb: whole(256, 3_008).default(512),
    streaming: boolean.default(true),
    watchSeconds: whole(30, 840).default(300),
    watchesMax: whole(1, 10_000).default(100),
    metrics: boolean.default(false),
    apiReservedConcurrency: whole(1, 1_000).optional(),
    deletionProtection: boolean.default(true),
    customerKey: boolean.default(false),
    alarms: list(z.enum(ALARM_NAMES, `is none of ${ALARM_NAMES.join(', ')}`)).default(['dead-letters']),
    alarmEmail: z.email('is not an e-mail address').optional(),
    workers: whole(0, 100).default(0),
    workersMax: whole(1, 100).optional(),
    workerInstanceType: z
      .string()
      .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'is not an instance type such as t4g.small')
      .default('t4g.small'),
    workerImage: z
      .string()
      .regex(/^ami-[0-9a-f]{8,17}$/, 'is not the id of an image')
      .optional(),
    workerVolumeGb: whole(8, 16_384).default(WORKER_VOLUME_DEFAULT_GB),
    workerSpot: boolean.default(false),
    vpcId: z
      .string()
      .regex(/^vpc-[0-9a-f]{8,17}$/, 'is not the id of a VPC')
      .optional(),
    subnetIds: list(z.string().regex(/^subnet-[0-9a-f]{8,17}$/, 'has an entry that is not the id of a subnet')).default(
      [],
    ),
    vpcCidr: cidr.default('10.64.0.0/16'),
  })
  .refine(({ vpcId, subnetIds }) => (vpcId === undefined) === (subnetIds.length === 0), {
    path: ['subnetIds'],
    message: 'belongs to vpcId: give both (subnets that reach the internet), or neither for a VPC of its own',
  })
  .refine(({ workers, workersMax }) => workersMax === undefined || workersMax >= workers, {
    path: ['workersMax'],
    message: 'is below workers',
  })
  .refine(({ alarms }) => new Set(alarms).size === alarms.length && alarms.length <= ALARMS_MAX, {
    path: ['alarms'],
    message: 'names an alarm twice',
  })
  .refine(({ serviceCidr, clusterDns }) => contains(serviceCidr, clusterDns), {
    path: ['clusterDns'],
    message: 'is not in serviceCidr',
  })
  .refine((given) => !overlap(given.serviceCidr, given.podCidr), {
    path: ['podCidr'],
    message: 'overlaps serviceCidr',
  })
  .refine((given) => !overlap(given.vpcCidr, given.podCidr) && !overlap(given.vpcCidr, given.serviceCidr), {
    path: ['vpcCidr'],
    message: 'overlaps podCidr or serviceCidr',
  });

/** What a cluster on AWS may be told; infra/README.md says what each of them means. */
export type ClusterParameters = z.infer<typeof schema>;

/** Names of all parameters, for the documentation's test. */
export const PARAMETER_NAMES: readonly string[] = Object.keys(schema.shape);

/** The CDK's own settings, which share the context with our parameters. */
const FOREIGN = /^(@aws-cdk\/|aws:|aws-cdk:|cdk-migrate|availability-zones|ssm:|ami:|vpc-provider:|tree-metadata)/;

/** Checks the parameters of the context. Throws a `ParameterError` that names what is wrong. */
export function parseParameters(context: Record<string, unknown>): ClusterParameters {
  const given = Object.fromEntries(Object.entries(context).filter(([name]) => !FOREIGN.test(name)));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys')
    throw new ParameterError(
      `there is no parameter ${issue.keys.join(', ')}. Known are: ${PARAMETER_NAMES.join(', ')}`,
    );
  throw new ParameterError(`${String(issue?.path[0] ?? '')} ${issue?.message ?? 'is not valid'}`);
}

function range(text: string): { first: number; last: number } {
  const [ip = '', bits = '0'] = text.split('/');
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(toNumber(ip) / size) * size;
  return { first, last: first + size - 1 };
}

function toNumber(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function contains(cidrText: string, ip: string): boolean {
  const { first, last } = range(cidrText);
  return toNumber(ip) >= first && toNumber(ip) <= last;
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [range(one), range(other)];
  return a.first <= b.last && b.first <= a.last;
}
