import type { Context } from 'aws-lambda';
import { awsParts } from '../lambda/aws-parts.js';
import { apiFunction } from './function.js';

const api = apiFunction(awsParts('apiserver'));
/** What Lambda's Node.js runtime offers for streamed answers; emulators may not. The SDK makes an object of the same name. */
const streaming = (globalThis as { awslambda?: Partial<typeof awslambda> }).awslambda;

export const handler =
  streaming?.streamifyResponse === undefined
    ? (event: unknown, context: Context) => api.buffer(event, context)
    : streaming.streamifyResponse((event, stream, context) =>
        api.stream(event, context, (head) => awslambda.HttpResponseStream.from(stream, head)),
      );
