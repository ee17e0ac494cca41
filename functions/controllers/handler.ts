import { awsParts } from '../lambda/aws-parts.js';
import { workFunction } from './function.js';

export const handler = workFunction(awsParts('controllers'), 'controllers');
