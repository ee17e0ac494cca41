/**
 * Stands in, in the bundles of functions, for parts of the SDK that are never called there: its reader of event streams, which no operation of
 * ours has, and what tells browsers apart.
 */
export {};
