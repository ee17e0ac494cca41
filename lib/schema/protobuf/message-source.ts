import type { MessageRow } from './message-table.js';

/** Where the codec looks up kinds and messages; the built-in schemas are one. */
export interface MessageSource {
  /** The message's name of `apps/v1` `Deployment`. */
  definitionOf(apiVersion: string, kind: string): string | undefined;
  message(name: string): MessageRow | undefined;
}
