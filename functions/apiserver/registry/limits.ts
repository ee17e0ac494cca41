import { OBJECT_SIZE_MAX_BYTES } from '../../../lib/store/store.js';

/** The largest request body, as in Kubernetes. */
export const REQUEST_BODY_MAX_BYTES = 3 * 1024 * 1024;

/** A body's JSON may be larger than what is stored of it, never smaller. */
if (REQUEST_BODY_MAX_BYTES < OBJECT_SIZE_MAX_BYTES) throw new Error('bodies must hold every storable object');

/** Queries above this are refused: selectors are long sometimes, and Kubernetes takes request lines and headers up to this size. */
export const QUERY_MAX_CHARACTERS = 1024 * 1024;

/** Non-streaming requests handled at one time; the next gets 429. */
export const IN_FLIGHT_MAX = 600;

/** Watches open at one time; the next gets 429. */
export const WATCHES_MAX = 10_000;

/** What clients are asked to wait after a 429 of these bounds. */
export const OVERLOAD_RETRY_AFTER_SECONDS = 1;

/** How long the admission of one request may take, whatever webhooks say of themselves: as long as Kubernetes gives a request. */
export const ADMISSION_MAX_MS = 60_000;

/** Objects of policy (see POLICY_COLLECTIONS) may be so old when somebody else has written them. */
export const POLICY_AGE_MAX_MS = 1_000;

/** Attempts at a free name for generateName, as in Kubernetes. */
export const GENERATE_NAME_ATTEMPTS_MAX = 8;

/**
 * Attempts of a write that may be repeated (a patch, a PUT without resourceVersion, a delete) when others write too. With each round
 * one of them gets through, so this is above all that can be in flight: nobody is refused for bad luck, as in Kubernetes.
 */
export const WRITE_ATTEMPTS_MAX = 1_000;

/** Frames that wait for one slow watcher; with one more the watch is closed, and the client resumes. */
export const WATCH_BACKLOG_FRAMES_MAX = 10_000;
export const WATCH_BACKLOG_MAX_BYTES = 32 * 1024 * 1024;

/** Events of one collection kept at hand for watches that resume shortly behind the present. */
export const WATCH_RECENT_EVENTS_MAX = 1_000;
export const WATCH_RECENT_MAX_BYTES = 8 * 1024 * 1024;

/** How often, and after what pause, the log is asked again when the store is away; then its watches end. */
export const STORE_RETRIES_MAX = 5;
export const STORE_RETRY_DELAY_MS = 200;

/** Bookmarks come well inside the 25 s the design asks for. */
export const BOOKMARK_INTERVAL_MS = 20_000;

/** How long a watch without timeoutSeconds lasts: between this and twice as long, as in Kubernetes. */
export const WATCH_TIMEOUT_MIN_SECONDS = 1_800;

/** Objects fetched from the store at a time when a list filters by selector. */
export const LIST_CHUNK_OBJECTS = 500;

/** Parsed objects kept at hand, by the bytes they were parsed from; in memory they are some five times as large. */
export const PARSE_CACHE_MAX_BYTES = 4 * 1024 * 1024;

/** Objects of one collection whose labels and selectable fields are kept at hand. */
export const ATTRIBUTES_CACHE_OBJECTS_MAX = 50_000;

/** Bytes that wait for one slow WebSocket; above it the connection is closed. */
export const WEBSOCKET_BACKLOG_MAX_BYTES = 16 * 1024 * 1024;

/** Frames written to a watcher in one piece. */
export const WATCH_BATCH_FRAMES_MAX = 256;

/** What is written to a watcher in one piece: frames are shared by all watchers, a piece is this watcher's own. */
export const WATCH_PIECE_MAX_BYTES = 1024 * 1024;

/** Objects of one policy collection that are kept because they were asked for by name (namespaces, classes). */
export const POLICY_SINGLE_OBJECTS_MAX = 5_000;

/** Events of a catch-up read from the log at a time. */
export const CATCH_UP_EVENTS_MAX = 500;

/** Answers above this are compressed for clients that take it, as in Kubernetes, and as fast as gzip goes. */
export const GZIP_MIN_BYTES = 128 * 1024;
export const GZIP_LEVEL = 1;
export const GZIP_PIECE_BYTES = 64 * 1024;

/** Audit annotations of one request that are logged, and the characters of each. */
export const AUDIT_ANNOTATIONS_MAX = 100;
export const AUDIT_ANNOTATION_MAX_CHARACTERS = 10_240;
