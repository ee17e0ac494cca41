import { testSeeds } from './seed-tests.js';

testSeeds(0);
