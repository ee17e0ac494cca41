/** A parameter in the path or the query. */
export interface Parameter {
  name: string;
  in: 'path' | 'query';
  description: string;
  type: 'string' | 'integer' | 'boolean';
}

function query(name: string, type: Parameter['type'], description: string): Parameter {
  return { name, in: 'query', description, type };
}

function path(name: string, description: string): Parameter {
  return { name, in: 'path', description, type: 'string' };
}

export const PRETTY = query('pretty', 'string', "If 'true', then the output is pretty printed.");
export const NAMESPACE = path('namespace', 'object name and auth scope, such as for teams and projects');
export const PROXY_PATH = path('path', 'path to the resource');

export function nameParameter(kind: string): Parameter {
  return path('name', `name of the ${kind}`);
}

const DRY_RUN = query(
  'dryRun',
  'string',
  "When present, the request is checked in full but nothing is stored. The only valid value is 'All'.",
);

export const WRITE_PARAMETERS: readonly Parameter[] = [
  DRY_RUN,
  query(
    'fieldManager',
    'string',
    'A name for the actor or entity that makes these changes: printable characters, at most 128 of them.',
  ),
  query(
    'fieldValidation',
    'string',
    "What happens to unknown or duplicate fields: 'Ignore' drops them silently, 'Warn' (the default) drops them with a warning for each, 'Strict' refuses the request with an error that names them all.",
  ),
];

export const PATCH_PARAMETERS: readonly Parameter[] = [
  ...WRITE_PARAMETERS,
  query(
    'force',
    'boolean',
    'Takes over conflicting fields that others own. Only for apply patches; must be unset for all other kinds of patch.',
  ),
];

export const DELETE_PARAMETERS: readonly Parameter[] = [
  DRY_RUN,
  query(
    'gracePeriodSeconds',
    'integer',
    'The duration in seconds before the object should be deleted; zero deletes at once. Default: what the kind has.',
  ),
  query(
    'ignoreStoreReadErrorWithClusterBreakingPotential',
    'boolean',
    'Deletes an object that cannot be read from the store any more, without regard to finalizers and preconditions.',
  ),
  query(
    'orphanDependents',
    'boolean',
    'Deprecated: use propagationPolicy. Whether dependents are left behind without their owner.',
  ),
  query(
    'propagationPolicy',
    'string',
    "What happens to dependents: 'Orphan' leaves them, 'Background' lets the garbage collector delete them, 'Foreground' deletes them before the object itself.",
  ),
];

const SELECTION: readonly Parameter[] = [
  query(
    'continue',
    'string',
    'The token of a former list answer, to get its next page. A token that has expired is answered with 410.',
  ),
  query('fieldSelector', 'string', 'Restricts the objects by their fields. Default: everything.'),
  query('labelSelector', 'string', 'Restricts the objects by their labels. Default: everything.'),
  query(
    'limit',
    'integer',
    'The maximum number of objects in one answer. If there are more, the answer has a continue token.',
  ),
  query('resourceVersion', 'string', 'A constraint on the resource versions that the request may be served from.'),
  query('resourceVersionMatch', 'string', "How resourceVersion is applied to a list: 'Exact' or 'NotOlderThan'."),
  query(
    'sendInitialEvents',
    'boolean',
    'Starts a watch with an event for each object there is, closed by a bookmark with the annotation k8s.io/initial-events-end.',
  ),
  query('timeoutSeconds', 'integer', 'A limit on the duration of a list or watch, whatever its activity.'),
];

export const LIST_PARAMETERS: readonly Parameter[] = [
  query(
    'allowWatchBookmarks',
    'boolean',
    'Asks for watch events of type BOOKMARK, which tell the resource version that the watch has reached.',
  ),
  ...SELECTION,
  query('watch', 'boolean', 'Answers with a stream of changes after resourceVersion instead of a list.'),
];

export const DELETE_COLLECTION_PARAMETERS: readonly Parameter[] = [...DELETE_PARAMETERS, ...SELECTION].sort(
  (left, right) => (left.name < right.name ? -1 : 1),
);

const CONTAINER = query('container', 'string', 'The container of the pod. Default: its only one.');

function streams(of: string): Parameter[] {
  return [
    query('stderr', 'boolean', `Redirects the standard error stream of ${of}.`),
    query('stdin', 'boolean', `Redirects the standard input stream of ${of}.`),
    query('stdout', 'boolean', `Redirects the standard output stream of ${of}.`),
    query('tty', 'boolean', `Whether a terminal is used by ${of}.`),
  ];
}

/** Parameters of subresources that are no objects, by name. */
export const STREAM_PARAMETERS: Readonly<Record<string, readonly Parameter[]>> = {
  attach: [CONTAINER, ...streams('the container')],
  exec: [
    query('command', 'string', 'The command to run, an argument per parameter.'),
    CONTAINER,
    ...streams('the command'),
  ],
  log: [
    CONTAINER,
    query('follow', 'boolean', 'Follows the log. Default: false.'),
    query('insecureSkipTLSVerifyBackend', 'boolean', "Does not check the certificate of the node's log server."),
    query('limitBytes', 'integer', 'The number of bytes after which the log ends.'),
    query('previous', 'boolean', 'The log of the former, terminated container. Default: false.'),
    query('sinceSeconds', 'integer', 'How many seconds before now the log begins.'),
    query('stream', 'string', "Which stream is shown: 'All', 'Stdout' or 'Stderr'."),
    query('tailLines', 'integer', 'The number of lines from the end of the log. Default: all.'),
    query('timestamps', 'boolean', 'Puts a timestamp before every line. Default: false.'),
  ],
  portforward: [query('ports', 'integer', 'The ports to forward.')],
  proxy: [query('path', 'string', 'The path of the request to the object.')],
};
