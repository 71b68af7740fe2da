import { IS_STATIC } from '../page/static-build.ts';

/** Why there can be no WebTransport in this page, in a sentence; null where there can. */
export function missingWebTransport(): string | null {
  if (!('WebTransport' in globalThis)) {
    return 'This browser has no WebTransport, or the page is not on localhost.';
  }
  return IS_STATIC ? 'WebTransport needs the lab’s own server: npm start.' : null;
}
