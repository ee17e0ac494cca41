export type AllocationErrorCode =
  /** Nothing is free. */
  | 'full'
  /** The asked value is taken. */
  | 'taken'
  /** The asked value lies outside what may be given. */
  | 'out-of-range';

/** Why a value cannot be reserved, in Kubernetes' words. Becomes part of a Status. */
export class AllocationError extends Error {
  readonly code: AllocationErrorCode;

  constructor(code: AllocationErrorCode, message: string) {
    super(message);
    this.name = 'AllocationError';
    this.code = code;
  }
}
