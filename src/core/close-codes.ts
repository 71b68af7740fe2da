/** Closing codes of a refusal that would come again: RFC 6455 §7.4.1, and 3000, 3003 of its registry (unauthorized, forbidden). */
const REFUSALS: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003];

/**
 * Whether a closing code of a WebSocket means "do not come back": the server has refused something, or says with 1000 that the
 * connection has fulfilled its purpose.
 */
export function isFinalClose(code: number): boolean {
  return code === 1000 || REFUSALS.includes(code);
}
