import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { Clock } from '../../../lib/clock/clock.js';

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** Asks a server of the gRPC health protocol (grpc.health.v1). Resolves with its status; rejects when there is no answer. */
export function grpcHealth(options: {
  address: string;
  service: string;
  userAgent: string;
  timeoutMs: number;
  clock: Clock;
}): Promise<string> {
  const client = new Client(options.address, credentials.createInsecure(), {
    'grpc.primary_user_agent': options.userAgent,
  });
  return new Promise<string>((resolve, reject) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      encodeService,
      decodeStatus,
      options.service,
      new Metadata(),
      { deadline: options.clock.now() + options.timeoutMs },
      (error, status) => {
        if (error === null && status !== undefined) resolve(status);
        else reject(new Error(error?.details ?? 'no answer', { cause: error }));
      },
    );
  }).finally(() => client.close());
}

/** `service` is field 1, a string. */
function encodeService(service: string): Buffer {
  const text = Buffer.from(service);
  if (text.length === 0) return text;
  const length: number[] = [];
  let left = text.length;
  for (; left > 127; left >>>= 7) length.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([0x0a, ...length, left]), text]);
}

/** `status` is field 1, a number; absent it is 0. */
function decodeStatus(bytes: Buffer): string {
  const number = bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0;
  return STATUSES[number] ?? `${number}`;
}
