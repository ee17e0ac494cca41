/** Messages inside messages; the deepest real ones are the schemas of CRDs. */
export const PROTOBUF_DEPTH_MAX = 500;

/** Messages in one body. An empty message takes two bytes on the wire and a hundred times as much in memory. */
export const PROTOBUF_MESSAGES_MAX = 100_000;
