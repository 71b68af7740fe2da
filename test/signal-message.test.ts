import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { MAX_SDP_LENGTH, parseSignal } from '../src/core/webrtc/signal-message.ts';
import {
  parseSignallingReply,
  parseSignallingRequest,
} from '../src/core/webrtc/signalling-protocol.ts';
import { seededRandom } from './helpers/random.ts';

const SIGNALS = [
  { type: 'describe', kind: 'offer', sdp: 'v=0\r\n' },
  { type: 'candidate', candidate: 'candidate:1', mid: null, index: 3 },
  { type: 'candidate', candidate: '', mid: '0', index: null },
  { type: 'restart' },
  { type: 'bye', reason: 'größer 🎤' },
] as const;
const REQUESTS = [...SIGNALS, { type: 'join', room: 'a-b_C9' }] as const;
const REPLIES = [
  ...SIGNALS,
  { type: 'joined', room: 'a' },
  { type: 'ready', role: 'callee' },
  { type: 'error', code: 'room-full', message: 'Two are here.' },
] as const;

const PARSERS: readonly [
  name: string,
  parse: (text: string) => unknown,
  messages: readonly object[],
][] = [
  ['parseSignal', parseSignal, SIGNALS],
  ['parseSignallingRequest', parseSignallingRequest, REQUESTS],
  ['parseSignallingReply', parseSignallingReply, REPLIES],
];

function reasonOf(parse: (text: string) => unknown, text: string): string {
  try {
    const message = parse(text);
    // What is taken reads the same once more.
    expect(parse(JSON.stringify(message))).toEqual(message);
    return 'read';
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
}

describe.each(PARSERS)('%s', (_name, parse, messages) => {
  it('reads every message as it was written, and drops unknown fields', () => {
    for (const message of messages) {
      expect(parse(JSON.stringify({ ...message, extra: [1] }))).toEqual(message);
    }
  });

  it.each([
    ['no JSON', '{', 'bad-json'],
    ['a list', '[]', 'bad-json'],
    ['null', 'null', 'bad-json'],
    ['no type', '{}', 'bad-field'],
    ['a type that is not text', '{"type":7}', 'bad-field'],
    ['an unknown type', '{"type":"constructor"}', 'unknown-type'],
    [
      'a description of neither kind',
      '{"type":"describe","kind":"rollback","sdp":""}',
      'bad-field',
    ],
    ['an invalid index', '{"type":"candidate","candidate":"","mid":"0","index":-1}', 'bad-field'],
    ['an index of parts', '{"type":"candidate","candidate":"","mid":"0","index":0.5}', 'bad-field'],
    ['no reason', '{"type":"bye"}', 'bad-field'],
  ])('refuses %s', (_case, text, reason) => {
    expect(reasonOf(parse, text)).toBe(reason);
  });

  it('refuses text that is too long', () => {
    const sdp = 'x'.repeat(MAX_SDP_LENGTH);
    const message = (text: string) =>
      JSON.stringify({ type: 'describe', kind: 'offer', sdp: text });
    expect(reasonOf(parse, message(sdp))).toBe('read');
    expect(reasonOf(parse, message(`${sdp}x`))).toBe('bad-field');
    expect(reasonOf(parse, message(sdp + sdp))).toBe('oversized');
  });

  it('throws nothing but PacketError for hostile text', () => {
    const random = seededRandom(31);
    const pieces = ['"', '\\', '{', '}', '[', ']', ':', ',', '-', '1e999', 'null', '\0', '\ud800'];
    const reasons = new Set<string>();
    for (let i = 0; i < 6000; i++) {
      let text = JSON.stringify(messages[Math.floor(random() * messages.length)]);
      for (let edits = Math.floor(random() * 4); edits >= 0; edits--) {
        const at = Math.floor(random() * (text.length + 1));
        const piece =
          random() < 0.5
            ? pieces[Math.floor(random() * pieces.length)]!
            : String.fromCharCode(32 + Math.floor(random() * 95));
        text = text.slice(0, at) + piece + text.slice(at + Math.floor(random() * 4));
      }
      reasons.add(reasonOf(parse, text));
    }
    expect([...reasons].toSorted()).toEqual(['bad-field', 'bad-json', 'read', 'unknown-type']);
  });
});

it.each(['', 'a b', 'ä', 'a/b', 'x'.repeat(65)])('refuses the room %j', (room) => {
  const text = JSON.stringify({ type: 'join', room });
  expect(reasonOf(parseSignallingRequest, text)).toBe('bad-field');
});
