import type { SubresourceHandler } from '../registry/subresource.js';
import { bindingHandler } from './binding.js';
import { evictionHandler } from './eviction.js';
import { podLogHandler } from './pod-log.js';
import { unsupportedAction } from './unsupported.js';

/** Actions that need nothing but the registry, by `<plural>/<subresource>`. */
export const builtinActions: Readonly<Record<string, SubresourceHandler>> = {
  'pods/binding': bindingHandler,
  'pods/eviction': evictionHandler,
  'pods/log': podLogHandler,
  'pods/exec': unsupportedAction('exec into a container'),
  'pods/attach': unsupportedAction('attaching to a container'),
  'pods/portforward': unsupportedAction('forwarding a port of a pod'),
  'pods/proxy': unsupportedAction('the proxy to a pod'),
  'services/proxy': unsupportedAction('the proxy to a service'),
  'nodes/proxy': unsupportedAction('the proxy to a node'),
};

/** Kinds that are created and never stored, by kind. */
export const builtinReviews: Readonly<Record<string, SubresourceHandler>> = { Binding: bindingHandler };
