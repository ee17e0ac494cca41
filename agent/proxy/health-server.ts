import { createServer, type Server } from 'node:http';
import type { Log } from '../network/log.js';

/** Answers a load balancer whether this node has endpoints of a service. */
export interface ServiceHealth {
  port: number;
  localEndpoints: number;
}

/** A load balancer asks a few times a second at most. */
const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 5_000;

interface Listening {
  server: Server;
  port: number;
  localEndpoints: number;
}

/** The `healthCheckNodePort` of services of type LoadBalancer with external traffic policy Local: 200 with endpoints here, else 503. */
export class HealthServers {
  readonly #log: Log;
  readonly #isProxyHealthy: () => boolean;
  readonly #listening = new Map<string, Listening>();

  constructor(log: Log, isProxyHealthy: () => boolean) {
    this.#log = log;
    this.#isProxyHealthy = isProxyHealthy;
  }

  /** @param key `namespace/name` of the service. */
  set(key: string, health: ServiceHealth | undefined): void {
    const present = this.#listening.get(key);
    if (present !== undefined && present.port === health?.port) {
      present.localEndpoints = health.localEndpoints;
      return;
    }
    if (present !== undefined) stop(present);
    this.#listening.delete(key);
    if (health !== undefined) this.#listening.set(key, this.#listen(key, health));
  }

  close(): void {
    for (const one of this.#listening.values()) stop(one);
    this.#listening.clear();
  }

  #listen(key: string, health: ServiceHealth): Listening {
    const [namespace, name] = key.split('/');
    const listening: Listening = { ...health, server: createServer() };
    const { server } = listening;
    server.on('request', (request, response) => {
      request.resume();
      const serviceProxyHealthy = this.#isProxyHealthy();
      const { localEndpoints } = listening;
      response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(localEndpoints),
      });
      response.end(`${JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy })}\n`);
    });
    server.on('error', (error) => {
      this.#log('warn', 'health check port of a service cannot be served', { service: key, error: String(error) });
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.headersTimeout = REQUEST_TIMEOUT_MS;
    server.listen(health.port);
    return listening;
  }
}

function stop({ server }: Listening): void {
  server.close();
  server.closeAllConnections();
}
