import type { Clock } from '../lib/clock/clock.js';
import { DoorbellRings } from '../lib/work/doorbell-rings.js';
import { makeSqsClient, SdkSqs } from '../lib/work/sqs/sdk-sqs.js';
import { SqsDoorbellListener } from '../lib/work/sqs/sqs-doorbell.js';
import { awsCredentials, awsRegion } from './aws-credentials.js';

/** A node's doorbell on AWS. */
export interface CloudDoorbell {
  readonly rings: DoorbellRings;
  /** From now on. To be called before the node registers, so that its queue is missed before it is there. */
  listen(): void;
  close(): Promise<void>;
}

/** Throws a `UserError` when region or credentials are not to be found. */
export async function openCloudDoorbell(options: {
  clusterName: string;
  region: string | undefined;
  node: string;
  clock: Clock;
}): Promise<CloudDoorbell> {
  const { clusterName: cluster, node, clock } = options;
  const region = await awsRegion(options.region);
  await awsCredentials();
  const client = makeSqsClient({ region });
  const listener = new SqsDoorbellListener({ sqs: new SdkSqs({ client, clock }), clock, cluster, node });
  const rings = new DoorbellRings({ listener, clock });
  const stop = new AbortController();
  let listening: Promise<void> | undefined;
  return {
    rings,
    listen() {
      listening ??= rings.listen(stop.signal);
    },
    async close() {
      stop.abort();
      await listening;
      client.destroy();
    },
  };
}
