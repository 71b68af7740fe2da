/** Close codes of refusals that a retry would not change: RFC 6455 §7.4.1, and 3000, 3003 of its registry (unauthorized, forbidden). */
const REFUSALS: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003];

/**
 * Returns whether a WebSocket's close code means "do not reconnect": the server refused something, or says with 1000 that the
 * connection has fulfilled its purpose.
 */
export function isFinalClose(code: number): boolean {
  return code === 1000 || REFUSALS.includes(code);
}
