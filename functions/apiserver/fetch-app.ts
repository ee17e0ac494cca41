import { Hono } from 'hono';
import type { UserInfo } from '../../lib/api/meta.js';
import { fromFetchRequest, toFetchResponse } from './registry/fetch-adapter.js';
import type { ApiRequest, ApiResponse, Peer } from './registry/request.js';

/** Where a request comes from: a connection, or somebody who is known already. */
export interface Origin {
  readonly peer?: Peer;
  readonly user?: UserInfo;
}

/** The API for hosts that speak the web's Request and Response. */
export interface FetchApp {
  fetch(request: Request, origin: Origin): Promise<Response>;
}

export function fetchApp(handle: (request: ApiRequest) => Promise<ApiResponse>): FetchApp {
  const app = new Hono<{ Bindings: Origin }>();
  app.all('*', async (context) =>
    toFetchResponse(await handle(fromFetchRequest(context.req.raw, context.env)), context.req.method),
  );
  return { fetch: async (request, origin) => app.fetch(request, origin) };
}
