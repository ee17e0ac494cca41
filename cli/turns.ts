/** Requests that in-process clients make in one turn of the event loop: some milliseconds of work. */
const REQUESTS_PER_TURN = 32;

/**
 * Lets the event loop turn now and then. What components ask of an API server in their own process, and what its answers set in motion, is one
 * long chain of promises while there is work: sockets and timers would wait until all of it is done. Counted, not timed, so that a simulation
 * replays exactly.
 */
export function takingTurns<Request, Response>(
  handle: (request: Request) => Promise<Response>,
): (request: Request) => Promise<Response> {
  let left = REQUESTS_PER_TURN;
  let turn: Promise<void> | undefined;
  const nextTurn = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(() => {
        left = REQUESTS_PER_TURN;
        turn = undefined;
        resolve();
      });
    });
  return async (request) => {
    while (left === 0) await (turn ??= nextTurn());
    left--;
    return handle(request);
  };
}
