import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from '../../lib/client/transport.js';

/** A transport that can be cut: requests fail, and open streams end with an error. */
export class Line implements Transport {
  readonly #inner: Transport;
  #cut = new AbortController();

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  cut(isCut: boolean): void {
    if (isCut) this.#cut.abort();
    else this.#cut = new AbortController();
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const { signal } = this.#cut;
    if (signal.aborted) throw new TransportError('the line is cut');
    const both = request.signal === undefined ? signal : AbortSignal.any([request.signal, signal]);
    const response = await this.#inner.send({ ...request, signal: both });
    if (signal.aborted) throw new TransportError('the line is cut');
    return {
      ...response,
      stream: async function* () {
        yield* response.stream();
        if (signal.aborted) throw new TransportError('the line is cut');
      },
    };
  }
}
