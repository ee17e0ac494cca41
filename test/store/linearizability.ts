/**
 * Decides whether a concurrent history could have happened one operation at a time: Wing and Gong's search ("Testing and
 * verifying concurrent objects", 1993) with Lowe's memory of configurations seen ("Testing for linearizability", 2017).
 */

/** One operation as a client saw it. `calledAt` and `returnedAt` are points of one clock that never repeats a value. */
export interface Operation<Input, Output> {
  input: Input;
  /** Undefined: the client never heard back; it may have happened, at any time after the call, or not. */
  output: Output | undefined;
  calledAt: number;
  returnedAt: number;
}

/** What the object does when it is used by one client alone. States are never changed. */
export interface SequentialModel<State, Input, Output> {
  initial: State;
  /** The state after an operation that answered so, or undefined when it cannot answer so in this state. An undefined `output` stands for any answer. */
  apply: (state: State, input: Input, output: Output | undefined) => State | undefined;
  /** Two states with one name are the same. */
  name: (state: State) => string;
}

/** Undefined when the history is linearizable; otherwise the longest order that could be found and what could not follow. */
export function findViolation<State, Input, Output>(
  history: readonly Operation<Input, Output>[],
  model: SequentialModel<State, Input, Output>,
): string | undefined {
  const operations = [...history].sort((a, b) => a.calledAt - b.calledAt);
  const entries = linkEntries(operations);
  const seen = new Set<string>();
  const done = new Uint8Array(operations.length);
  const taken: { call: Entry; state: State }[] = [];
  let state = model.initial;
  let longest: number[] = [];
  let open = operations.filter(({ output }) => output !== undefined).length;

  let entry = entries.next;
  while (open > 0) {
    const operation = entry === undefined ? undefined : operations[entry.operation];
    if (entry !== undefined && operation !== undefined && entry.isCall) {
      const after = model.apply(state, operation.input, operation.output);
      if (after !== undefined) {
        done[entry.operation] = 1;
        const configuration = `${done.join('')} ${model.name(after)}`;
        if (!seen.has(configuration)) {
          seen.add(configuration);
          taken.push({ call: entry, state });
          state = after;
          if (operation.output !== undefined) open--;
          lift(entry);
          if (taken.length > longest.length) longest = taken.map(({ call }) => call.operation);
          entry = entries.next;
          continue;
        }
        done[entry.operation] = 0;
      }
      entry = entry.next;
      continue;
    }
    // An operation has returned that none of the orders tried places before this point: take back the last choice.
    const last = taken.pop();
    if (last === undefined) return explain(operations, longest);
    state = last.state;
    done[last.call.operation] = 0;
    if (operations[last.call.operation]?.output !== undefined) open++;
    unlift(last.call);
    entry = last.call.next;
  }
  return undefined;
}

/** A call or a return, in order of time. */
interface Entry {
  operation: number;
  isCall: boolean;
  previous: Entry | undefined;
  next: Entry | undefined;
  /** Of a call: its return, where there was one. */
  match: Entry | undefined;
}

/** The head of the list; its `next` is the first entry. */
function linkEntries(operations: readonly Operation<unknown, unknown>[]): Entry {
  const points: { at: number; entry: Entry }[] = [];
  const make = (operation: number, isCall: boolean): Entry => ({
    operation,
    isCall,
    previous: undefined,
    next: undefined,
    match: undefined,
  });
  operations.forEach(({ calledAt, returnedAt, output }, index) => {
    const call = make(index, true);
    points.push({ at: calledAt, entry: call });
    if (output === undefined) return;
    call.match = make(index, false);
    points.push({ at: returnedAt, entry: call.match });
  });
  points.sort((a, b) => a.at - b.at);
  const head = make(-1, false);
  let last = head;
  for (const { entry } of points) {
    entry.previous = last;
    last.next = entry;
    last = entry;
  }
  return head;
}

/** Takes a call and its return out of the list. */
function lift(call: Entry): void {
  unlink(call);
  if (call.match !== undefined) unlink(call.match);
}

/** Puts them back; only in the reverse order of taking out. */
function unlift(call: Entry): void {
  if (call.match !== undefined) relink(call.match);
  relink(call);
}

function unlink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

function relink(entry: Entry): void {
  if (entry.previous !== undefined) entry.previous.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}

function explain(operations: readonly Operation<unknown, unknown>[], longest: readonly number[]): string {
  const show = (index: number): string => {
    const operation = operations[index];
    return `  ${operation?.calledAt}..${operation?.returnedAt} ${JSON.stringify(operation?.input)} -> ${JSON.stringify(operation?.output)}`;
  };
  const rest = operations.map((_, index) => index).filter((index) => !longest.includes(index));
  const lines = [
    'not linearizable; the longest order found ends with',
    ...longest.slice(-SHOWN_OPERATIONS).map(show),
    'and none of these can follow',
    ...rest.slice(0, SHOWN_OPERATIONS).map(show),
  ];
  return lines.join('\n');
}

const SHOWN_OPERATIONS = 8;
