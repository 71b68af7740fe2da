import { parseSignallingReply, parseSignallingRequest } from 'micwire/sdp';
import type { SignallingReply, SignallingRequest } from 'micwire/sdp';
import { EXAMPLE_SIP_CALL } from './sip-call.ts';
import type { TappedMessage } from './signal-tap.ts';

/** A field of a message. */
interface SignalField {
  readonly name: string;
  /** As JSON has it; a description as its lines. */
  readonly value: string;
  readonly meaning: string;
}

/** A message in words. */
export interface ExplainedSignal {
  /** For the ladder: short. */
  readonly label: string;
  readonly about: string;
  readonly fields: readonly SignalField[];
}

type Signal = SignallingRequest | SignallingReply;

/** Explains a message. @throws PacketError for any other text */
export function explainSignal({ direction, text }: TappedMessage): ExplainedSignal {
  const signal = direction === 'up' ? parseSignallingRequest(text) : parseSignallingReply(text);
  return {
    label: labelOf(signal),
    about: ABOUT[aboutKey(signal)],
    fields: Object.entries(signal).map(([name, value]) => ({
      name,
      value: name === 'sdp' ? String(value) : JSON.stringify(value),
      meaning: meaningOf(signal, name),
    })),
  };
}

/** Whether it is a candidate: there are many of them. */
export function isCandidate({ direction, text }: TappedMessage): boolean {
  const signal = direction === 'up' ? parseSignallingRequest(text) : parseSignallingReply(text);
  return signal.type === 'candidate';
}

function labelOf(signal: Signal): string {
  switch (signal.type) {
    case 'describe':
      return signal.kind;
    case 'candidate': {
      const [, type] = /\btyp (\w+)/.exec(signal.candidate) ?? [];
      return type === undefined ? 'no more candidates' : `candidate, ${type}`;
    }
    case 'ready':
      return `ready: ${signal.role}`;
    case 'error':
      return `error: ${signal.code}`;
    default:
      return signal.type;
  }
}

type AboutKey =
  | 'join'
  | 'joined'
  | 'ready'
  | 'offer'
  | 'answer'
  | 'candidate'
  | 'restart'
  | 'bye'
  | 'ping'
  | 'pong'
  | 'error';

const ABOUT: Readonly<Record<AboutKey, string>> = {
  join: 'The first message of a connection: which room. Anyone who knows the name can come.',
  joined:
    'The server has admitted it; the other peer is not there yet, or has lost its connection.',
  ready: 'Both are there. The server decides who calls: the one who waited is called.',
  offer: 'What the caller can send and receive, with its keys’ fingerprint and its user fragment.',
  answer: 'What the callee accepts of the offer. With it both sides know enough to connect.',
  candidate:
    'One more address to try, as soon as it is found (trickle ICE, RFC 8838). Nobody waits for the last.',
  restart:
    'The callee asks for another offer, in which ICE restarts: only the caller makes offers.',
  bye: 'The call is over. Without it the other side would notice only when packets stop arriving.',
  ping: 'Asks a server that has been silent for a while whether it is still there.',
  pong: 'The server is still there.',
  error: 'The server refuses something.',
};

function aboutKey(signal: Signal): AboutKey {
  return signal.type === 'describe' ? signal.kind : signal.type;
}

function meaningOf(signal: Signal, name: string): string {
  if (name === 'type') return 'Which message it is.';
  switch (signal.type) {
    case 'join':
    case 'joined':
      if (name === 'seat') return 'Names the place, for when the connection is lost: a secret.';
      if (name === 'role') return 'What this end was before the connection was lost.';
      return 'Both peers name the same room: two fit in.';
    case 'ready':
      return signal.role === 'caller'
        ? 'This end makes the offer.'
        : 'This end waits for an offer.';
    case 'describe':
      return name === 'kind'
        ? 'The offer comes first, and one answer belongs to it (RFC 9429 §3).'
        : `A session description of ${signal.sdp.split('\n').length - 1} lines (RFC 8866). In JSON its line breaks are \\r\\n.`;
    case 'candidate':
      if (name === 'mid') return 'The media section that it is for, by name (a=mid).';
      if (name === 'index') return 'The same section, by its place from 0.';
      return signal.candidate === ''
        ? 'Empty: this end has gathered everything.'
        : 'The line a=candidate of a description (RFC 8839 §5.1).';
    case 'restart':
    case 'ping':
    case 'pong':
      return '';
    case 'bye':
      return 'A sentence for people; empty: it was hung up.';
    case 'error':
      return name === 'code' ? 'For programs.' : 'For people.';
  }
}

/** A call with few messages, shown before there is a real one. Its descriptions are those of two telephones. */
export const EXAMPLE_MESSAGES: readonly TappedMessage[] = exampleMessages();

function exampleMessages(): readonly TappedMessage[] {
  const { offer, answer } = EXAMPLE_SIP_CALL;
  const messages: TappedMessage[] = [];
  const say = (end: TappedMessage['end'], direction: 'up' | 'down', signal: Signal): void =>
    void messages.push({
      atMs: 10 * messages.length,
      end,
      direction,
      text: JSON.stringify(signal),
    });
  /** From one end to the other, through the server. */
  const pass = (from: TappedMessage['end'], signal: Signal): void => {
    say(from, 'up', signal);
    say(from === 'caller' ? 'callee' : 'caller', 'down', signal);
  };
  const room = 'kitchen';
  for (const end of ['callee', 'caller'] as const) {
    say(end, 'up', { type: 'join', room });
    say(end, 'down', { type: 'joined', room });
  }
  for (const end of ['callee', 'caller'] as const) say(end, 'down', { type: 'ready', role: end });
  pass('caller', { type: 'describe', kind: 'offer', sdp: offer });
  pass('callee', { type: 'describe', kind: 'answer', sdp: answer! });
  const candidate = 'candidate:1 1 udp 2130706431 192.0.2.101 49172 typ host';
  pass('caller', { type: 'candidate', candidate, mid: '0', index: 0 });
  pass('caller', { type: 'bye', reason: '' });
  return messages;
}
