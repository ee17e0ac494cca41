import { UserError } from './errors.js';

/** What the node's network lacks is the user's to mend: its message says how. */
export function asUserError(error: unknown): unknown {
  if (error instanceof Error && error.name === 'NetworkError') return new UserError(error.message, { cause: error });
  return error;
}
