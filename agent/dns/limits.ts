/** Bounds of the DNS server, with their units. */

/** What a client without EDNS takes over UDP (RFC 1035), and the most we send or take over UDP whoever asks. */
export const UDP_BYTES_DEFAULT = 512;
export const UDP_BYTES_MAX = 4096;

/** What we ask upstreams for over UDP: it passes every network without fragments. */
export const UPSTREAM_UDP_BYTES = 1232;

export const TCP_MESSAGE_BYTES_MAX = 65_535;

/** Seconds that clients keep what we say of the cluster, and what we say is not there. */
export const CLUSTER_TTL_SECONDS = 5;

/** Upstream answers are kept for their own time, within these. */
export const CACHE_POSITIVE_SECONDS_MAX = 3600;
export const CACHE_NEGATIVE_SECONDS_MAX = 30;
export const CACHE_ENTRIES_MAX = 10_000;
export const CACHE_BYTES_MAX = 8 * 1024 * 1024;

/** Questions under way upstream: in all, and of one client; more are answered with SERVFAIL at once. */
export const UPSTREAM_QUERIES_MAX = 1000;
export const UPSTREAM_QUERIES_PER_CLIENT_MAX = 200;

/** How long one upstream server has for an answer; then the next is asked. */
export const UPSTREAM_TIMEOUT_MS = 2000;
export const UPSTREAM_ATTEMPTS_MAX = 3;
export const UPSTREAM_SERVERS_MAX = 15;

export const TCP_CONNECTIONS_MAX = 256;
export const TCP_CONNECTIONS_PER_CLIENT_MAX = 32;
export const TCP_IDLE_MS = 10_000;
/** Questions of one connection that are being answered; more are read when some are. */
export const TCP_PENDING_MAX = 64;

/** Names that point to names: a longer chain is a loop. */
export const CNAME_CHAIN_MAX = 8;
