import { ApiError, pathNotFound, tooManyRequests, unauthorized } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import { randomUuid } from '../../../lib/random.js';
import type { Authenticator, AuthorizationAttributes } from '../auth/auth.js';
import { forbiddenByAuthorizer } from '../auth/authorizer.js';
import { impersonate, readImpersonation } from '../auth/impersonation.js';
import { anonymousUser } from '../auth/users.js';
import { allowedMethods } from './allowed-methods.js';
import { compressed } from './compressed.js';
import type { Call, Registry } from './context.js';
import { dispatchResource, refuseMethod, verbOf } from './dispatch.js';
import { IN_FLIGHT_MAX, OVERLOAD_RETRY_AFTER_SECONDS, QUERY_MAX_CHARACTERS } from './limits.js';
import { parsePath, type RequestPath } from './path.js';
import { jsonInstead, PROTOBUF_TYPE, toProtobuf, withAccept } from './protobuf-answer.js';
import type { ApiRequest, ApiResponse } from './request.js';
import { errorResponse, warningHeaders } from './respond.js';
import { toApiError } from './store-errors.js';

/** Answers paths that are no resources: discovery, health, version, metrics, OpenAPI. Undefined: there is no such path. */
export type PathHandler = (request: ApiRequest, query: URLSearchParams) => Promise<ApiResponse | undefined>;

/** Told of every request, for metrics. */
export interface RequestObserver {
  started(): void;
  finished(request: FinishedRequest): void;
}

/** The labels that Kubernetes' request metrics have. Of streams, when they begin. */
export interface FinishedRequest {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: '' | 'resource' | 'namespace' | 'cluster';
  readonly status: number;
  readonly durationMs: number;
}

const NO_QUERY = new URLSearchParams();
const TOO_MANY = 'too many requests are being handled, please try again later';
const QUERY_TOO_LONG = `the query of the request is longer than ${QUERY_MAX_CHARACTERS} characters`;

/** The one chain every request goes through: authenticate, authorise, admit, validate. Never throws. */
export class RequestHandler {
  readonly #registry: Registry;
  readonly #authenticator: Authenticator;
  readonly #paths: PathHandler;
  readonly #observer: RequestObserver;
  #inFlight = 0;

  constructor(options: {
    registry: Registry;
    authenticator: Authenticator;
    paths: PathHandler;
    observer: RequestObserver;
  }) {
    this.#registry = options.registry;
    this.#authenticator = options.authenticator;
    this.#paths = options.paths;
    this.#observer = options.observer;
  }

  /** A failure as it is answered; for hosts that refuse before they can call `handle`. */
  refuse(error: unknown, request: ApiRequest): ApiResponse {
    const path = quietly(() => parsePath(request.path));
    return errorResponse(this.#refusal(error, request, path, randomUuid(this.#registry.random)));
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const accept = request.header('accept');
    const asJson = accept?.includes(PROTOBUF_TYPE) === true ? jsonInstead(accept) : undefined;
    const response =
      asJson === undefined || !this.#hasMessages(request.path)
        ? await this.#handle(request)
        : toProtobuf(await this.#handle(withAccept(request, asJson)), this.#registry.schemas);
    return compressed(request, response);
  }

  /** False for what protobuf has no messages for: custom resources. */
  #hasMessages(requestPath: string): boolean {
    const path = quietly(() => parsePath(requestPath));
    if (path?.resourceRequest !== true) return true;
    const resource = this.#registry.catalog.find(path.group, path.version, path.resource);
    return (
      resource === undefined || this.#registry.schemas.definitionOf(resource.apiVersion, resource.kind) !== undefined
    );
  }

  async #handle(request: ApiRequest): Promise<ApiResponse> {
    const { clock, random } = this.#registry;
    const requestId = randomUuid(random);
    const startedMs = clock.now();
    const warnings = new Set<string>();
    const annotations = new Map<string, string>();
    const path = quietly(() => parsePath(request.path));
    this.#inFlight++;
    this.#observer.started();
    let response: ApiResponse;
    try {
      if (this.#inFlight > IN_FLIGHT_MAX) throw tooManyRequests(TOO_MANY, OVERLOAD_RETRY_AFTER_SECONDS);
      if (path === undefined) throw pathNotFound();
      response = await this.#answer(request, path, { warnings, annotations });
    } catch (error) {
      response = errorResponse(this.#refusal(error, request, path, requestId));
      if (response.status === 405 && path !== undefined) {
        response.headers.allow = allowedMethods(this.#registry.catalog, path);
      }
    } finally {
      this.#inFlight--;
    }
    response.headers['audit-id'] = requestId;
    if (annotations.size > 0) this.#logAnnotations(request, { requestId, status: response.status, annotations });
    if (warnings.size > 0) response.headers.warning = warningHeaders(warnings);
    this.#observer.finished(this.#describe(request, path, response.status, clock.now() - startedMs));
    return response;
  }

  /** There is no audit log: what admission has to tell operators of a request stands with others in the server's. */
  #logAnnotations(
    { method, path }: ApiRequest,
    what: { requestId: string; status: number; annotations: ReadonlyMap<string, string> },
  ): void {
    const annotations = Object.fromEntries(what.annotations);
    this.#registry.log.info({ ...what, method, path, annotations }, 'audit annotations of a request');
  }

  async #answer(
    request: ApiRequest,
    path: RequestPath,
    notes: Pick<Call, 'warnings' | 'annotations'>,
  ): Promise<ApiResponse> {
    if (request.query.length > QUERY_MAX_CHARACTERS) {
      throw new ApiError({ code: 414, reason: 'RequestURITooLong', message: QUERY_TOO_LONG });
    }
    const user = await this.identify(request);
    const query = request.query === '' ? NO_QUERY : new URLSearchParams(request.query);
    if (path.resourceRequest) return dispatchResource(this.#registry, request, { path, query, user, ...notes });
    return this.#answerPath(request, query, user);
  }

  #describe(request: ApiRequest, path: RequestPath | undefined, status: number, durationMs: number): FinishedRequest {
    const none = { verb: request.method, group: '', version: '', resource: '', subresource: '', scope: '' } as const;
    // Only what exists becomes a label: others would be made by whoever asks.
    if (
      path?.resourceRequest !== true ||
      this.#registry.catalog.find(path.group, path.version, path.resource) === undefined
    ) {
      return { ...none, verb: METHODS.has(request.method) ? request.method : 'other', status, durationMs };
    }
    const { group, version, resource, name, namespace } = path;
    const query = request.query.includes('watch') ? new URLSearchParams(request.query) : NO_QUERY;
    const verb = verbOf(request.method, path, query) ?? 'other';
    const scope = name !== '' ? 'resource' : namespace === '' ? 'cluster' : 'namespace';
    const subresource = status === 404 ? '' : path.subresource;
    return { verb: verb.toUpperCase(), group, version, resource, subresource, scope, status, durationMs };
  }

  async #answerPath(request: ApiRequest, query: URLSearchParams, user: UserInfo): Promise<ApiResponse> {
    const attributes = pathAttributes(user, request);
    const { allowed, reason } = await this.#registry.authorizer.authorize(attributes);
    if (!allowed) throw forbiddenByAuthorizer(attributes, reason);
    if (!READ_METHODS.has(request.method)) throw refuseMethod();
    const response = (await this.#paths(request, query)) ?? (await this.#elsewhere(request, user));
    if (response === undefined) throw pathNotFound();
    return response;
  }

  /** `/apis/GROUP/VERSION` of an API server behind this one. */
  async #elsewhere(request: ApiRequest, user: UserInfo): Promise<ApiResponse | undefined> {
    const [, prefix, group, version, ...rest] = request.path.replace(/\/$/, '').split('/');
    if (prefix !== 'apis' || group === undefined || version === undefined || rest.length > 0) return undefined;
    return this.#registry.aggregation?.handle(request, { group, version, user });
  }

  /** Who makes the request. Throws 401 without valid credentials, health and version excepted. */
  async identify(request: ApiRequest): Promise<UserInfo> {
    if (request.user !== undefined) return request.user;
    const user =
      (await this.#authenticator.authenticate({
        authorization: request.header('authorization'),
        certificate: request.peer?.certificate,
      })) ?? anonymousUser(request.method, request.path);
    if (user === undefined) throw unauthorized();
    const asked = readImpersonation(request.header, request.headerNames?.());
    return asked === undefined ? user : impersonate(user, asked, this.#registry.authorizer);
  }

  #refusal(error: unknown, request: ApiRequest, path: RequestPath | undefined, requestId: string): ApiError {
    const { catalog, log } = this.#registry;
    const resource = path?.resourceRequest === true ? catalog.find(path.group, path.version, path.resource) : undefined;
    const name = path?.resourceRequest === true ? path.name : '';
    const refusal = toApiError(error, resource, name, requestId);
    if (refusal.code >= 500 && error !== refusal) {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error({ requestId, method: request.method, path: request.path, error: cause }, 'a request failed');
    }
    return refusal;
  }
}

const READ_METHODS = new Set(['GET', 'HEAD']);
const METHODS = new Set([...READ_METHODS, 'DELETE', 'OPTIONS', 'PATCH', 'POST', 'PUT']);

function pathAttributes(user: UserInfo, { method, path }: ApiRequest): AuthorizationAttributes {
  const none = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };
  return { ...none, user, verb: method.toLowerCase(), resourceRequest: false, path };
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
