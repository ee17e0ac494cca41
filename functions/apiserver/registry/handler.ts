import { ApiError, tooManyRequests, unauthorized } from '../../../lib/api/errors.js';
import type { UserInfo } from '../../../lib/api/meta.js';
import { randomUuid } from '../../../lib/random.js';
import type { Authenticator } from '../auth/auth.js';
import { impersonate, readImpersonation } from '../auth/impersonation.js';
import { anonymousUser } from '../auth/users.js';
import type { Registry } from './context.js';
import { dispatchResource } from './dispatch.js';
import { IN_FLIGHT_MAX, OVERLOAD_RETRY_AFTER_SECONDS, QUERY_MAX_CHARACTERS } from './limits.js';
import { parsePath } from './path.js';
import type { ApiRequest, ApiResponse } from './request.js';
import { errorResponse, warningHeader } from './respond.js';
import { toApiError } from './store-errors.js';

/** Answers paths that are no resources: discovery, health, version, metrics, OpenAPI. Undefined: there is no such path. */
export type PathHandler = (
  request: ApiRequest,
  query: URLSearchParams,
  user: UserInfo,
) => Promise<ApiResponse | undefined>;

export interface RequestObserver {
  finished(request: { method: string; path: string; status: number; durationMs: number }): void;
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

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const { clock, random } = this.#registry;
    const requestId = randomUuid(random);
    const startedMs = clock.now();
    const warnings = new Set<string>();
    this.#inFlight++;
    let response: ApiResponse;
    try {
      if (this.#inFlight > IN_FLIGHT_MAX) throw tooManyRequests(TOO_MANY, OVERLOAD_RETRY_AFTER_SECONDS);
      response = await this.#answer(request, warnings);
    } catch (error) {
      response = errorResponse(this.#refusal(error, request, requestId));
    } finally {
      this.#inFlight--;
    }
    response.headers['audit-id'] = requestId;
    if (warnings.size > 0) response.headers.warning = [...warnings].map(warningHeader);
    const { method, path } = request;
    this.#observer.finished({ method, path, status: response.status, durationMs: clock.now() - startedMs });
    return response;
  }

  async #answer(request: ApiRequest, warnings: Set<string>): Promise<ApiResponse> {
    if (request.query.length > QUERY_MAX_CHARACTERS) {
      throw new ApiError({ code: 414, reason: 'RequestURITooLong', message: QUERY_TOO_LONG });
    }
    const path = parsePath(request.path);
    const user = await this.identify(request);
    const query = request.query === '' ? NO_QUERY : new URLSearchParams(request.query);
    if (path.resourceRequest) return dispatchResource(this.#registry, request, { path, query, user, warnings });
    return this.#answerPath(request, query, user);
  }

  async #answerPath(request: ApiRequest, query: URLSearchParams, user: UserInfo): Promise<ApiResponse> {
    const response = await this.#paths(request, query, user);
    if (response === undefined) throw new ApiError(NO_SUCH_PATH);
    return response;
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

  #refusal(error: unknown, request: ApiRequest, requestId: string): ApiError {
    const { catalog, log } = this.#registry;
    let path;
    try {
      path = parsePath(request.path);
    } catch {
      path = undefined;
    }
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

const NO_SUCH_PATH = {
  code: 404,
  reason: 'NotFound',
  message: 'the server could not find the requested resource',
  details: {},
};
