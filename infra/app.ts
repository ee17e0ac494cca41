import { App } from 'aws-cdk-lib';
import { clusterNames } from '../lib/aws/function-environment.js';
import { ClusterStack } from './cluster-stack.js';
import { ParameterError } from './errors.js';
import { parseParameters } from './parameters.js';

/** `cdk synth -c cluster=NAME …`: one stack for one cluster; further clusters are further names. */
try {
  const app = new App();
  const parameters = parseParameters(app.node.getAllContext() as Record<string, unknown>);
  new ClusterStack(app, clusterNames(parameters.cluster).stack, { parameters, dist: 'dist' });
  app.synth();
} catch (error) {
  if (!(error instanceof ParameterError)) throw error;
  process.stderr.write(`zeroplane: ${error.message}\n`);
  process.exitCode = 1;
}
