export { createApiServer, type ApiServer, type ApiServerOptions, type InProcess } from './app.js';
export { inProcessTransport } from './in-process-transport.js';
export { bootstrap, type BootstrapOptions } from './registry/bootstrap.js';
