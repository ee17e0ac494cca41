/** A request to the agent that cannot be answered; `status` is its HTTP status. The message is for whoever asked. */
export class ServedError extends Error {
  readonly code = 'served';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ServedError';
    this.status = status;
  }
}
