import type { Plugin } from 'vite';
import type { Sfu } from '../../demo/server/sfu/sfu.ts';

/** A request to the SFU, and its answer. */
export interface SfuRequest {
  /** Such as `'POST /whip/room'`; numbers of sessions are left out. */
  readonly what: string;
  readonly type: string;
  readonly status: number;
}

/** Serves an SFU's addresses, and tells of each request when it is answered. */
export function sfuPlugin(sfu: Sfu, answered: (request: SfuRequest) => void = () => {}): Plugin {
  return {
    name: 'sfu',
    configureServer({ middlewares }) {
      for (const name of ['whip', 'whep'] as const) {
        middlewares.use(`/${name}`, (request, response) => {
          const { method, url = '', headers } = request;
          response.on('finish', () =>
            answered({
              what: `${method} /${name}${url.replace(/\/[0-9a-f]{32}/, '/…')}`,
              type: headers['content-type'] ?? '',
              status: response.statusCode,
            }),
          );
          sfu[name](request, response);
        });
      }
      middlewares.use('/sfu', sfu.answer);
    },
  };
}
