import { sipHeader } from './sip-message.ts';
import type { SipMessage } from './sip-message.ts';

const MAX_WORD = 40;

/** Describes a message in a few words. */
export function messageLabel(message: SipMessage): string {
  const words = [startWords(message)];
  if (message.kind === 'request' && hasAnswer(message)) words.push('+auth');
  if (message.sdp !== null) words.push('+SDP', ...directions(message));
  return words.join(' ');
}

function startWords(message: SipMessage): string {
  const method = plain(message.method);
  if (message.kind === 'response') return `${message.status} ${plain(message.reason)} (${method})`;
  return message.method === 'INVITE' && message.to.tag !== '' ? `re-${method}` : method;
}

function hasAnswer(message: SipMessage): boolean {
  return ['Authorization', 'Proxy-Authorization'].some((name) => sipHeader(message, name) !== '');
}

/** Returns the direction of audio, unless it flows both ways: a call on hold is `sendonly` or `inactive` (RFC 3264 §8.4). */
function directions({ sdp }: SipMessage): string[] {
  const audio = sdp?.media.find(({ kind, port }) => kind === 'audio' && port !== 0);
  return audio === undefined || audio.direction === 'sendrecv' ? [] : [audio.direction];
}

/** Converts a sender's text to a single line of limited length. */
export function plain(text: string): string {
  // Control characters, and those that reverse the direction of text, would change the drawing.
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\ufffd').trim();
  return cut(clean, MAX_WORD);
}

/** Cuts a text to at most `length` characters (UTF-16 code units); the last one is `…` if it was longer. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  // Not half a surrogate pair.
  return `${text.slice(0, Math.max(0, length - 1)).replace(/[\ud800-\udbff]$/, '')}…`;
}
