import { isIP } from 'node:net';
import { z } from 'zod';
import { UserError } from './errors.js';

/** As many simulated nodes as one process is meant to carry. */
const NODES_MAX = 5000;

const address = z.string().refine((text) => isIP(text) !== 0, 'is not an IP address');

const cidr = z.string().refine((text) => {
  const [ip = '', bits = '', ...rest] = text.split('/');
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && isIP(ip) !== 0 && Number(bits) <= (isIP(ip) === 4 ? 32 : 128);
}, 'is not an address range such as 10.96.0.0/16');

const schema = z
  .object({
    port: z.coerce
      .number('is not a number')
      .int('is not a whole number')
      .min(0, 'is below 0')
      .max(65_535, 'is above 65535'),
    bind: z.array(address),
    advertiseAddress: address.optional(),
    data: z.string().min(1, 'is empty').optional(),
    memory: z.boolean().default(false),
    restore: z.string().min(1, 'is empty').optional(),
    kubeconfig: z.string().min(1, 'is empty'),
    nodes: z.coerce
      .number('is not a number')
      .int('is not a whole number')
      .min(0, 'is below 0')
      .max(NODES_MAX, `is above ${NODES_MAX}`)
      .optional(),
    runtime: z.enum(['auto', 'cri', 'simulated'], 'is none of auto, cri, simulated'),
    criSocket: z.string().min(1, 'is empty').optional(),
    serviceCidr: cidr,
    podCidr: cidr.refine(
      (text) => isIP(text.split('/')[0] ?? '') === 4,
      'is not a range of IPv4 addresses: pods have no others',
    ),
    clusterDns: address,
  })
  .refine((options) => !(options.memory && options.data !== undefined), {
    path: ['memory'],
    message: 'cannot be combined with --data: the cluster is either kept in a folder or not kept at all',
  })
  .refine((options) => options.memory || options.restore === undefined, {
    path: ['restore'],
    message: 'needs --memory: a backup is put into a folder before, with: zeroplane restore FILE --data FOLDER',
  });

export type UpOptions = z.infer<typeof schema>;

/** Checks the flags of `zeroplane up`. Throws a `UserError` that names the flag. */
export function parseUpOptions(flags: unknown): UpOptions {
  const result = schema.safeParse(flags);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const flag = String(issue?.path[0] ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UserError(`--${flag} ${issue?.message ?? 'is not valid'}. See: zeroplane up --help`);
}
