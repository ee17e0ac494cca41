/** A mistake or circumstance the user can mend: printed as its message alone, with exit code 1. */
export class UserError extends Error {
  readonly code = 'user';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UserError';
  }
}

/** Node's code of a system error (`EADDRINUSE`), or '' for any other. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
