import { awsParts } from '../lambda/aws-parts.js';
import { sweepFunction } from './function.js';

export const handler = sweepFunction(awsParts('sweep'));
