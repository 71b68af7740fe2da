/** What the page about signalling of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import { EXAMPLE_MESSAGES, explainSignal, isCandidate } from '../demo/learn/signal-words.ts';
import type { TappedMessage } from '../demo/learn/signal-tap.ts';
import { PacketError } from '../src/core/errors.ts';
import {
  SIGNALLING_ERROR_CODES,
  type SignallingReply,
} from '../src/core/webrtc/signalling-protocol.ts';

const down = (reply: SignallingReply): TappedMessage => ({
  atMs: 0,
  end: 'caller',
  direction: 'down',
  text: JSON.stringify(reply),
});

describe('the messages of a call', () => {
  it('are an example in a realistic order, each forwarded by the server', () => {
    const lines = EXAMPLE_MESSAGES.map(
      (message) => `${message.end} ${message.direction} ${explainSignal(message).label}`,
    );
    expect(lines).toEqual([
      'callee up join',
      'callee down joined',
      'caller up join',
      'caller down joined',
      'callee down ready: callee',
      'caller down ready: caller',
      'caller up offer',
      'callee down offer',
      'callee up answer',
      'caller down answer',
      'caller up candidate, host',
      'callee down candidate, host',
      'caller up bye',
      'callee down bye',
    ]);
    expect(EXAMPLE_MESSAGES.filter(isCandidate)).toHaveLength(2);
  });

  it('are explained, and so is each of their fields', () => {
    const replies: readonly SignallingReply[] = SIGNALLING_ERROR_CODES.map((code) => ({
      type: 'error',
      code,
      message: 'No.',
    }));
    for (const message of [...EXAMPLE_MESSAGES, ...replies.map(down)]) {
      const { about, fields } = explainSignal(message);
      expect(about).not.toBe('');
      expect(fields.map(({ name }) => name)).toEqual(Object.keys(JSON.parse(message.text)));
      for (const { meaning, name } of fields) expect(meaning, name).not.toBe('');
    }
  });

  it('distinguish the last candidate from the others', () => {
    const last = { type: 'candidate', candidate: '', mid: '0', index: 0 } as const;
    const { label, fields } = explainSignal(down(last));
    expect(label).toBe('no more candidates');
    expect(fields.find(({ name }) => name === 'candidate')!.meaning).toContain(
      'gathered everything',
    );
  });

  it('throw a PacketError for messages outside the protocol', () => {
    const message = { ...EXAMPLE_MESSAGES[0]!, text: '{"type":"audio"}' };
    expect(() => explainSignal(message)).toThrow(PacketError);
    // Only a server says this, and only a client that.
    expect(() => explainSignal({ ...EXAMPLE_MESSAGES[1]!, direction: 'up' })).toThrow(PacketError);
  });
});
