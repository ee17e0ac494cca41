import { isIP } from 'node:net';
import { z } from 'zod';
import { parseQuantity } from '../lib/api/quantity.js';
import { UserError } from './errors.js';

const NODE_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

const CLUSTER_NAME = /^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/;

const address = z.string().refine((text) => isIP(text) !== 0, 'is not an IP address');

const schema = z.object({
  kubeconfig: z.string().min(1, 'is empty'),
  nodeName: z.string().regex(NODE_NAME, "is not a node name: use lower-case letters, digits, '-' and '.'"),
  criSocket: z.string().min(1, 'is empty').optional(),
  nodeIp: address.optional(),
  data: z.string().min(1, 'is empty'),
  kubeletPort: z.coerce.number('is not a number').int('is not a whole number').min(0).max(65_535, 'is above 65535'),
  podManifestPath: z.string().min(1, 'is empty').optional(),
  nodeCapacity: z.array(z.string()).transform((pairs, context) => {
    const capacity: Record<string, string> = {};
    for (const pair of pairs) {
      const [name = '', quantity = ''] = pair.split('=');
      try {
        parseQuantity(quantity);
        if (name === '') throw new Error('no name');
        capacity[name] = quantity;
      } catch {
        context.addIssue({ code: 'custom', message: `${pair} is not NAME=QUANTITY, such as memory=4Gi` });
      }
    }
    return capacity;
  }),
  runtime: z.enum(['cri', 'simulated'], 'is neither cri nor simulated').default('cri'),
  clusterName: z.string().regex(CLUSTER_NAME, 'is not the name of a cluster on AWS').optional(),
  region: z.string().min(1, 'is empty').optional(),
  heartbeatSeconds: z.coerce
    .number('is not a number')
    .int('is not a whole number')
    .min(1, 'is below 1')
    .max(60, 'is above 60')
    .optional(),
  clusterDns: address,
  podCidr: z.string().min(1, 'is empty'),
  serviceCidr: z.string().min(1, 'is empty'),
});

export type AgentOptions = z.infer<typeof schema>;

/** Of a cluster in one place. */
const HEARTBEAT_MS = 10_000;
/** On AWS, where each heartbeat is a request that is billed, and EC2 tells of lost instances. */
const CLOUD_HEARTBEAT_MS = 30_000;

/** How often the agent renews its node's lease. */
export function heartbeatMs({ clusterName, heartbeatSeconds }: AgentOptions): number {
  if (heartbeatSeconds !== undefined) return heartbeatSeconds * 1_000;
  return clusterName === undefined ? HEARTBEAT_MS : CLOUD_HEARTBEAT_MS;
}

/** Checks the flags of `zeroplane agent`. Throws a `UserError` that names the flag. */
export function parseAgentOptions(flags: unknown): AgentOptions {
  const result = schema.safeParse(flags);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const flag = String(issue?.path[0] ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UserError(`--${flag} ${issue?.message ?? 'is not valid'}. See: zeroplane agent --help`);
}
