import { createServer, request } from 'node:http';
import { gzipSync } from 'node:zlib';

/** What a page fetches besides its HTML. */
const COUNTED = /javascript|wasm/;

/**
 * What a page has fetched.
 *
 * @typedef {object} Fetched
 * @property {number} requests - answered ones
 * @property {number} bytes - of scripts and WebAssembly
 * @property {number} gzipBytes - the same, each file compressed
 */

/**
 * A proxy in front of a server: passes requests on and counts what a page fetches from it.
 *
 * @param {string} target - the address of the server
 * @returns {Promise<{ url: string, take: () => Fetched, close: () => Promise<void> }>} `take`: the count since the last one
 */
export async function countingProxy(target) {
  const { hostname, port, host } = new URL(target);
  /** @type {Fetched} */
  let fetched = { requests: 0, bytes: 0, gzipBytes: 0 };
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, host, 'accept-encoding': 'identity' };
    const { method, url: path } = incoming;
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      /** @type {Buffer[]} */
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        const body = Buffer.concat(parts);
        if (answer.statusCode === 200 && COUNTED.test(String(answer.headers['content-type']))) {
          fetched.requests++;
          fetched.bytes += body.length;
          fetched.gzipBytes += gzipSync(body).length;
        }
        // Each page fetches everything itself.
        const fresh = { ...answer.headers, 'cache-control': 'no-store' };
        outgoing.writeHead(answer.statusCode ?? 502, fresh).end(body);
      });
      answer.on('error', () => outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}/`,
    take() {
      const counted = fetched;
      fetched = { requests: 0, bytes: 0, gzipBytes: 0 };
      return counted;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
