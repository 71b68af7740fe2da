import { checkText } from '../option-names.ts';
import { badField, isToken, readParameters, splitValue } from './sip-syntax.ts';

/** A challenge or its answer: WWW-Authenticate, Authorization and their proxy counterparts (RFC 3261 §22, RFC 8760). */
export interface SipAuthentication {
  /** Nearly always `'Digest'`. */
  readonly scheme: string;
  /** Name in lower case → value: `realm`, `nonce`, `algorithm`, `qop`, `stale`, `username`, `response` … */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Reads the value of a header that challenges or answers a challenge. Takes linear time.
 * @throws PacketError `bad-field` for anything else, `oversized` for more than 256 parameters
 */
export function parseSipAuthentication(value: string): SipAuthentication {
  checkText('value', value);
  const text = value.trim();
  const space = text.search(/\s/);
  const scheme = space < 0 ? text : text.slice(0, space);
  if (!isToken(scheme)) throw badField('A challenge must name a scheme.');
  const rest = space < 0 ? '' : text.slice(space + 1);
  const parts = splitValue('The challenge', rest, ',').filter((part) => part !== '');
  return { scheme, parameters: readParameters('The challenge', parts) };
}
