/**
 * Returns true if a page may open a WebSocket to this server: browsers let any page connect to any address (RFC 6455 §10.2). A
 * request without an origin does not come from a browser.
 * @param origin the header `Origin`
 * @param host the header `Host`
 * @param allowed allowed origins, such as `'https://app.example'`; without it, the origin of the host itself
 */
export function isAllowedOrigin(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[] | '*',
): boolean {
  if (origin === undefined || allowed === '*') return true;
  if (allowed.includes(origin)) return true;
  if (allowed.length > 0 || host === undefined) return false;
  try {
    return new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}
