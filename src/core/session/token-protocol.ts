import { decodeBase64, encodeBase64 } from '../base64/base64.ts';
import { utf8Bytes, utf8Text } from '../bytes.ts';
import { PacketError } from '../errors.ts';

/*
 * A page cannot add headers to its WebSocket, and addresses appear in logs. So the token is one of the subprotocols that the page
 * offers (RFC 6455 §1.9), in URL-safe Base64 (RFC 4648 §5), which a subprotocol's name may contain.
 */

const PREFIX = 'micwire.token.';

/** Returns the subprotocol that carries a token: a client offers it besides `micwire.1`, and a server never selects it. */
export function tokenProtocol(token: string): string {
  const digits = encodeBase64(utf8Bytes(token));
  return PREFIX + digits.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * Finds the token among the subprotocols that a client offers.
 * @returns undefined without a token in the form that {@link tokenProtocol} writes
 */
export function tokenOf(protocols: Iterable<string>): string | undefined {
  for (const name of protocols) {
    if (!name.startsWith(PREFIX)) continue;
    try {
      return utf8Text(decodeBase64(name.slice(PREFIX.length)));
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
    }
  }
  return undefined;
}
