import type { KubernetesObject } from '../../../lib/api/meta.js';

/** Where a webhook listens: `clientConfig` of webhook configurations and of conversions. Either `url` or `service` is set. */
export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    /** Default 443. */
    readonly port?: number;
    readonly path?: string;
  };
  /** PEM in base64. Absent: the well-known certificate authorities. */
  readonly caBundle?: string;
}

export interface WebhookCall {
  readonly review: KubernetesObject;
  /** For the whole exchange. The server is told of it as `?timeout=10s`. */
  readonly timeoutMs: number;
  /** Ends the call early: whoever asked has gone. */
  readonly signal?: AbortSignal;
}

/**
 * Posts a review object to a webhook and reads the object it answers with. No redirects, no proxy, bounded in size and time.
 * Rejects with a `WebhookCallError` and nothing else.
 */
export interface WebhookCaller {
  post(config: WebhookClientConfig, call: WebhookCall): Promise<KubernetesObject>;
}

/** The port that a service reference without one means. */
export const DEFAULT_SERVICE_PORT = 443;

/** The address of a call as it is shown and sent, as Kubernetes makes it. Throws a TypeError for a URL that is none. */
export function webhookUrl(config: WebhookClientConfig): URL {
  const { service } = config;
  if (service === undefined) return new URL(config.url ?? '');
  const url = new URL(`https://${service.name}.${service.namespace}.svc/`);
  if (service.path !== undefined) url.pathname = service.path;
  return url;
}
