import { describe, expect, it } from 'vitest';
import type { SessionHost } from '../src/core/session/server/session-host.ts';
import { SessionLink } from './helpers/session-link.ts';

function recorder() {
  const log: unknown[] = [];
  const host: SessionHost = {
    open: () => ({}),
    audio: (_session, { frame, frames, missing, bytes }) => {
      log.push(['audio', frame, frames, missing, bytes[0]]);
    },
    failed: (error) => {
      throw error;
    },
    ended: (_session, ending) => log.push(['ended', ending]),
  };
  return { host, log };
}

const audio = (frame: number, frames = 320) =>
  ({
    type: 'audio',
    replayed: false,
    audio: { frame, frames, bytes: new Uint8Array(frames * 2).fill(frame / 320), base64: '' },
  }) as const;

describe('a session server', () => {
  it('welcomes, takes audio, acknowledges it, and ends the session after bye', () => {
    const { host, log } = recorder();
    const link = new SessionLink(host);
    const one = link.connect();
    expect(one.receive()).toEqual([{ type: 'acknowledged', frame: 0 }, { type: 'ready' }]);
    for (let i = 0; i < 6; i++) one.up(audio(i * 320));
    expect(one.receive()).toEqual([{ type: 'acknowledged', frame: 1600 }]);
    link.pass(100);
    expect(one.receive()).toEqual([{ type: 'acknowledged', frame: 1920 }]);
    one.up({ type: 'end' });
    expect(one.receive()).toEqual([{ type: 'ended' }]);
    expect(one.closing?.code).toBe(1000);
    expect(log).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((i) => ['audio', i * 320, 320, 0, i]),
      ['ended', 'bye'],
    ]);
  });

  it('keeps replies over connections', () => {
    const { host } = recorder();
    const link = new SessionLink(host);
    const one = link.connect();
    one.receive();
    const [session] = link.server.sessions;
    session!.write({ item: 'a', bytes: new Uint8Array(48_000).fill(1) });
    one.receive(4);
    one.lose();
    session!.endItem('a');
    const two = link.connect();
    const events = two.receive();
    expect(events).toMatchObject([]);
  });
});
