import { setMaxListeners } from 'node:events';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from '../../../lib/client/transport.js';

/** Why requests are aborted. One for all: the reason that would be made otherwise has a stack trace, and there are many. */
export const ENDED = 'ended';

/** The way of one process to the API server. Once cut, what is under way on it ends without an answer, and nothing new gets through. */
export class Link implements Transport {
  readonly #inner: Transport;
  readonly #underWay = new Set<(error: TransportError) => void>();
  #isCut = false;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    if (this.#isCut) throw new TransportError('the network is down');
    let fail: (error: TransportError) => void = () => undefined;
    const cut = new Promise<never>((_resolve, reject) => (fail = reject));
    this.#underWay.add(fail);
    try {
      if (!isWatch(request)) return await Promise.race([this.#inner.send(request), cut]);
      const abort = new AbortController();
      const stop = forwardAbort(request.signal, abort);
      try {
        const response = await Promise.race([this.#inner.send({ ...request, signal: abort.signal }), cut]);
        return { ...response, stream: () => this.#stream(response, abort, stop) };
      } catch (error) {
        stop();
        abort.abort(ENDED);
        throw error;
      }
    } finally {
      this.#underWay.delete(fail);
    }
  }

  cut(): void {
    this.#isCut = true;
    for (const fail of this.#underWay) fail(new TransportError('the connection was lost'));
  }

  restore(): void {
    this.#isCut = false;
  }

  async *#stream(response: TransportResponse, abort: AbortController, stop: () => void): AsyncGenerator<Uint8Array> {
    let failure: TransportError | undefined;
    const fail = (error: TransportError): void => {
      failure = error;
      abort.abort(ENDED);
    };
    this.#underWay.add(fail);
    if (this.#isCut) fail(new TransportError('the connection was lost'));
    try {
      for await (const chunk of response.stream()) {
        if (failure !== undefined) break;
        yield chunk;
      }
      if (failure !== undefined) throw failure as TransportError;
    } finally {
      this.#underWay.delete(fail);
      stop();
      abort.abort(ENDED);
    }
  }
}

export function isWatch({ method, path }: TransportRequest): boolean {
  return method === 'GET' && path.includes('watch=true');
}

/** Aborts `abort` with `signal`, of which many requests of one replica may hang. Returns a function that ends this. */
export function forwardAbort(signal: AbortSignal | undefined, abort: AbortController): () => void {
  const onAbort = (): void => abort.abort(ENDED);
  if (signal?.aborted === true) onAbort();
  if (signal !== undefined) setMaxListeners(0, signal);
  signal?.addEventListener('abort', onAbort);
  return () => signal?.removeEventListener('abort', onAbort);
}
