/** The peer of a SPDY connection has broken the protocol, or the connection has ended. */
export class SpdyError extends Error {
  readonly code = 'spdy';

  constructor(message: string) {
    super(message);
    this.name = 'SpdyError';
  }
}
