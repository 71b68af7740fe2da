import type { SignalMessage } from '../../src/core/webrtc/signal-message.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/transport-address.ts';

/** The candidate's priority (RFC 8445 §5.1.2.1): type preference of a host, 126; local preference 65535; component 1. */
const HOST_PRIORITY = 2 ** 24 * 126 + 2 ** 8 * 65_535 + (256 - 1);

/** Sections that get the address: those of a call share one connection (BUNDLE), that of the first. */
const MAX_SECTIONS = 64;

/** Candidates that bypass a simulated router. */
const PAST_ROUTER = /\btyp (host|prflx)\b/;

/**
 * Removes the candidates of a peer behind a simulated router that would bypass the router: those of its own addresses.
 * @returns null for a message that is not to be passed on
 */
export function dropHostCandidates(message: SignalMessage): SignalMessage | null {
  if (message.type === 'candidate') return PAST_ROUTER.test(message.candidate) ? null : message;
  if (message.type !== 'describe') return message;
  const lines = message.sdp.split(/\r\n|\r|\n/);
  const kept = lines.filter((line) => !line.startsWith('a=candidate:') || !PAST_ROUTER.test(line));
  return { ...message, sdp: kept.join('\r\n') };
}

/**
 * Makes one address the only one that a message's receiver learns: it replaces the candidates of descriptions; trickled candidates are
 * dropped. A description becomes longer by line breaks and at most 64 times the address.
 * @returns null for a message that is not to be passed on
 */
export function rewriteCandidates(
  message: SignalMessage,
  only: TransportAddress,
): SignalMessage | null {
  if (message.type === 'candidate') return null;
  if (message.type !== 'describe') return message;
  const { address, port } = only;
  const candidate = `a=candidate:1 1 udp ${HOST_PRIORITY} ${address} ${port} typ host`;
  const lines: string[] = [];
  let sections = 0;
  const endSection = (): void => {
    if (sections > 0 && sections <= MAX_SECTIONS) lines.push(candidate, 'a=end-of-candidates');
  };
  for (const line of message.sdp.split(/\r\n|\r|\n/)) {
    if (line === '' || /^a=(candidate:|end-of-candidates|remote-candidates:)/.test(line)) continue;
    if (line.startsWith('m=')) {
      endSection();
      sections++;
    }
    lines.push(line);
  }
  endSection();
  return { ...message, sdp: `${lines.join('\r\n')}\r\n` };
}
