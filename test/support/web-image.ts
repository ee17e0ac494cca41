import type { ImageOptions } from './container-image.js';

/** A web server on port 8080 that answers `/cgi-bin/who` with its pod's name and whom it sees. */
export const WEB_IMAGE: ImageOptions = {
  name: 'localhost/web:test',
  entrypoint: ['sh', '-c', 'trap "exit 0" TERM; httpd -f -p 0.0.0.0:8080 -h /www & wait'],
  files: {
    'www/cgi-bin/who': {
      content: '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\necho "$(hostname) $REMOTE_ADDR"\n',
      mode: 0o755,
    },
  },
};
