import type { Clock } from '../clock/clock.js';
import { TransportError, type Transport, type TransportRequest, type TransportResponse } from './transport.js';

/** An answer that is not a watch comes within this. */
const ANSWER_TIMEOUT_MS = 30_000;

/** A watch says something at least every 25 s (a bookmark), or nobody is there any more. Other servers than ours send them every minute. */
const SILENCE_MAX_MS = 150_000;

/** A transport whose requests all end, also when the server neither answers nor goes. Nothing is retried. */
export function boundedTransport(inner: Transport, clock: Clock): Transport {
  return {
    async send(request) {
      const controller = new AbortController();
      const abort = (): void => controller.abort();
      request.signal?.addEventListener('abort', abort, { once: true });
      if (request.signal?.aborted) abort();
      let hasTimedOut = false;
      const timeOut = (): void => {
        hasTimedOut = true;
        abort();
      };
      const done = (): void => request.signal?.removeEventListener('abort', abort);
      const cancel = clock.setTimer(ANSWER_TIMEOUT_MS, timeOut);
      try {
        const response = await inner.send({ ...request, signal: controller.signal });
        return bounded({ response, request, clock, cancel, timeOut, done, hasTimedOut: () => hasTimedOut });
      } catch (error) {
        cancel();
        done();
        if (hasTimedOut) throw silent(request, error);
        throw error;
      }
    },
  };
}

function bounded(parts: {
  response: TransportResponse;
  request: TransportRequest;
  clock: Clock;
  cancel: () => void;
  timeOut: () => void;
  done: () => void;
  hasTimedOut: () => boolean;
}): TransportResponse {
  const { response, request, clock, timeOut, done, hasTimedOut } = parts;
  let { cancel } = parts;
  return {
    status: response.status,
    header: (name) => response.header(name),
    async bytes() {
      try {
        return await response.bytes();
      } catch (error) {
        if (hasTimedOut()) throw silent(request, error);
        throw error;
      } finally {
        cancel();
        done();
      }
    },
    async *stream() {
      try {
        cancel();
        cancel = clock.setTimer(SILENCE_MAX_MS, timeOut);
        for await (const chunk of response.stream()) {
          cancel();
          yield chunk;
          cancel = clock.setTimer(SILENCE_MAX_MS, timeOut);
        }
        if (hasTimedOut()) throw silent(request, undefined);
      } finally {
        cancel();
        done();
      }
    },
  };
}

function silent({ method, path }: TransportRequest, cause: unknown): TransportError {
  return new TransportError(`${method} ${path}: no answer in time`, { cause });
}
