import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { badRequest, requestEntityTooLarge } from '../../lib/api/errors.js';
import type { ApiRequest } from '../apiserver/registry/request.js';

/** An event of a function URL as the core's request. Names of headers are in lower case already; bodies that are no text come as base64. */
export function toApiRequest(event: APIGatewayProxyEventV2, signal: AbortSignal): ApiRequest {
  const { headers = {}, requestContext } = event as Partial<APIGatewayProxyEventV2>;
  const remoteAddress = requestContext?.http?.sourceIp;
  return {
    method: requestContext?.http?.method ?? 'GET',
    path: event.rawPath ?? '/',
    query: event.rawQueryString ?? '',
    header: (name) => headers[name],
    headerNames: () => Object.keys(headers),
    body: async (maxBytes) => bodyOf(event, maxBytes),
    signal,
    peer: remoteAddress === undefined ? {} : { remoteAddress },
  };
}

function bodyOf({ body, isBase64Encoded }: APIGatewayProxyEventV2, maxBytes: number): Uint8Array {
  if (body === undefined) return new Uint8Array(0);
  // Four characters of base64 are three bytes: what is far too long is not decoded to find that out.
  const tooLong = isBase64Encoded ? (body.length / 4) * 3 > maxBytes + 3 : body.length > maxBytes;
  const bytes = tooLong ? undefined : Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes === undefined || bytes.byteLength > maxBytes) throw requestEntityTooLarge(`limit is ${maxBytes}`);
  return bytes;
}

/** Throws a 400 for what no function URL sends: whoever may invoke the function may send anything. */
export function checkEvent(event: unknown): APIGatewayProxyEventV2 {
  const { rawPath, requestContext, body } = (event ?? {}) as Partial<APIGatewayProxyEventV2>;
  const isRequest =
    typeof rawPath === 'string' &&
    rawPath.startsWith('/') &&
    typeof requestContext?.http?.method === 'string' &&
    (body === undefined || body === null || typeof body === 'string');
  if (!isRequest) throw badRequest('the function was not called through its URL');
  return event as APIGatewayProxyEventV2;
}
