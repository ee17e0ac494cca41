import { awsParts } from '../lambda/aws-parts.js';
import { dispatcherFunction } from './function.js';

export const handler = dispatcherFunction(awsParts('dispatcher'));
