import type { SubresourceHandler } from '../registry/subresource.js';
import { bindingHandler } from './binding.js';
import { evictionHandler } from './eviction.js';
import { podLogHandler } from './pod-log.js';
import { podStreamHandler } from '../streams/pod-streams.js';

/** Actions that need nothing but the registry, by `<plural>/<subresource>`. */
export const builtinActions: Readonly<Record<string, SubresourceHandler>> = {
  'pods/binding': bindingHandler,
  'pods/eviction': evictionHandler,
  'pods/log': podLogHandler,
  'pods/exec': podStreamHandler,
  'pods/attach': podStreamHandler,
  'pods/portforward': podStreamHandler,
};

/** Kinds that are created and never stored, by kind. */
export const builtinReviews: Readonly<Record<string, SubresourceHandler>> = { Binding: bindingHandler };
