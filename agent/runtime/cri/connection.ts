import { Client, credentials, status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import { fromJSON, type MethodDefinition } from '@grpc/proto-loader';
import type { Clock } from '../../../lib/clock/clock.js';
import { CALL_TIMEOUT_MS, MESSAGE_MAX_BYTES } from './limits.js';
import { criDescriptor, type ImageMethod, type RuntimeMethod } from './schema.js';

/** A CRI call failed. `code` is gRPC's name of why; the message is as Go clients print it. */
export class CriError extends Error {
  readonly code: string;
  /** What the runtime said, without gRPC's frame. */
  readonly details: string;

  constructor(code: string, details: string, options?: ErrorOptions) {
    super(`rpc error: code = ${code} desc = ${details}`, options);
    this.name = 'CriError';
    this.code = code;
    this.details = details;
  }
}

export function isCriError(error: unknown, code: string): error is CriError {
  return error instanceof CriError && error.code === code;
}

export interface CallOptions {
  /** Default CALL_TIMEOUT_MS. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

type Methods = Record<string, MethodDefinition<object, object>>;

/** One connection to a CRI socket. Every call ends: with an answer, an error, or its time-out. */
export class CriConnection {
  readonly socket: string;
  readonly #clock: Clock;
  readonly #client: Client;
  readonly #runtime: Methods;
  readonly #images: Methods;

  /** `socket` is a path or `unix://` and a path. Connects with the first call. */
  constructor(socket: string, clock: Clock) {
    this.socket = socket.replace(/^unix:\/\//, '');
    this.#clock = clock;
    const definition = fromJSON(criDescriptor() as Parameters<typeof fromJSON>[0], {
      keepCase: true,
      longs: Number,
      defaults: true,
      arrays: true,
      objects: true,
    });
    this.#runtime = definition['runtime.v1.RuntimeService'] as unknown as Methods;
    this.#images = definition['runtime.v1.ImageService'] as unknown as Methods;
    this.#client = new Client(`unix://${this.socket}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
      'grpc.max_send_message_length': MESSAGE_MAX_BYTES,
      // A runtime that comes back is found again soon.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
    });
  }

  /** Throws `CriError`. */
  runtime<T>(method: RuntimeMethod, request: object, options: CallOptions = {}): Promise<T> {
    return this.#call(this.#runtime[method] as MethodDefinition<object, object>, request, options);
  }

  /** Throws `CriError`. */
  images<T>(method: ImageMethod, request: object, options: CallOptions = {}): Promise<T> {
    return this.#call(this.#images[method] as MethodDefinition<object, object>, request, options);
  }

  close(): void {
    this.#client.close();
  }

  #call<T>(method: MethodDefinition<object, object>, request: object, options: CallOptions): Promise<T> {
    const { timeoutMs = CALL_TIMEOUT_MS, signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new CriError('Canceled', 'context canceled'));
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        { deadline: this.#clock.now() + timeoutMs },
        (error, answer) => {
          signal?.removeEventListener('abort', cancel);
          if (error === null && answer !== undefined) resolve(answer as T);
          else reject(criError(error));
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }
}

function criError(error: ServiceError | null): CriError {
  if (error === null) return new CriError('Unknown', 'the runtime gave no answer');
  return new CriError(codeName(error.code), error.details, { cause: error });
}

/** gRPC's codes as Go prints them: `NotFound`, `DeadlineExceeded`. */
function codeName(code: grpcStatus): string {
  const name = grpcStatus[code] ?? 'UNKNOWN';
  if (code === grpcStatus.CANCELLED) return 'Canceled';
  return name
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('');
}
