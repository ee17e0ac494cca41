import { workFunction } from '../controllers/function.js';
import { awsParts } from '../lambda/aws-parts.js';

export const handler = workFunction(awsParts('scheduler'), 'scheduler');
