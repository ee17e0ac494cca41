/** Stands in for the WebSocket library in the bundles of functions: behind a function URL there are no sockets to upgrade. */
export class WebSocketServer {
  readonly clients = new Set<never>();

  handleUpgrade(): never {
    throw new Error('a function URL takes no WebSocket');
  }

  close(): void {
    // Nothing was ever opened.
  }
}
