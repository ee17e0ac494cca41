import { ApiError, badRequest, requestEntityTooLarge } from '../../api/errors.js';

export type PatchErrorCode =
  /** The patch itself is malformed: 400. */
  | 'BadPatch'
  /** The patch does not fit the object it is applied to: 422. */
  | 'PatchFailed'
  /** An operation `test` of the patch does not hold: 422 as well. */
  | 'TestFailed'
  /** The patch is over a bound: 413. */
  | 'PatchTooLarge';

/** A patch that cannot be applied, in the words of Kubernetes' patch libraries. */
export class PatchError extends Error {
  readonly code: PatchErrorCode;

  constructor(code: PatchErrorCode, message: string) {
    super(message);
    this.name = 'PatchError';
    this.code = code;
  }

  /** The Status that the API server answers with. Kubernetes leaves out of a 422 what went wrong; here it is the cause. */
  toApiError(): ApiError {
    if (this.code === 'BadPatch') return badRequest(this.message);
    if (this.code === 'PatchTooLarge') return requestEntityTooLarge(this.message);
    return new ApiError({
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: { causes: [{ reason: 'UnexpectedServerResponse', message: this.message }] },
    });
  }
}
