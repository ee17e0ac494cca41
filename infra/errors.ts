/** A parameter that cannot work: printed as its message alone. */
export class ParameterError extends Error {
  readonly code = 'invalid-parameter';

  constructor(message: string) {
    super(message);
    this.name = 'ParameterError';
  }
}

/** A resource whose price the cost model does not know. */
export class UnknownPriceError extends Error {
  readonly code = 'unknown-price';

  constructor(message: string) {
    super(message);
    this.name = 'UnknownPriceError';
  }
}
