import { describe, expect, it } from 'vitest';
import { SessionPlay, actionsOf } from './helpers/session-play.ts';

describe('the start of a session', () => {
  it('asks for an address, connects, introduces itself, and is open when the service is ready', () => {
    const play = new SessionPlay();
    expect(play.tell({ type: 'start' })).toEqual([{ type: 'address', attempt: 1 }]);
    expect(play.life.state).toBe('connecting');
    const address = { url: 'wss://service.example', protocols: [] };
    expect(play.tell({ type: 'address', attempt: 1, address })).toEqual([
      { type: 'connect', attempt: 1, address },
    ]);
    play.tell({ type: 'opened', attempt: 1 });
    expect(play.heard()).toEqual([
      { type: 'open', session: 'session-1', handle: null, frame: 0, connections: 0 },
    ]);
    expect(play.life.state).toBe('connecting');
    expect(play.say({ type: 'ready' })).toEqual([{ type: 'state', state: 'open' }]);
    expect(play.life.stats.connections).toBe(1);
  });

  it('does not wait for a service that is ready when its socket opens', () => {
    const play = new SessionPlay({ service: { readyOnOpen: true } });
    play.tell({ type: 'start' });
    play.capture(20);
    play.reach();
    expect(play.life.state).toBe('open');
    expect(play.heard().map(({ type }) => type)).toEqual(['open', 'audio']);
  });

  it('sends only the messages of "open", and replies, before the service is ready', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    play.capture(20);
    play.reach();
    play.heard();
    play.tell({ type: 'send', value: 1 });
    play.tell({ type: 'commit' });
    play.say({ type: 'reply', message: '{"type":"pong"}' });
    play.wait(1000);
    expect(play.heard()).toEqual([{ type: 'pong' }]);
    play.say({ type: 'ready' });
    expect(play.heard().map(({ type }) => type)).toEqual(['message', 'audio', 'commit']);
  });

  it('sends audio from before the connection first', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    play.talk(3000);
    expect(play.heard()).toEqual([]);
    play.connect();
    expect(play.life.state).toBe('replaying');
    play.talk(5000, { acknowledged: true });
    expect(play.life.state).toBe('open');
    expect(play.heardAudio()).toEqual([[0, 8000 * 16]]);
  });

  it('starts once', () => {
    const play = SessionPlay.open();
    expect(play.tell({ type: 'start' })).toEqual([]);
  });
});

describe('an attempt', () => {
  it('fails if the app has no address, and the app gets the reason', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    const cause = new Error('No token.');
    const actions = play.tell({ type: 'address-failed', attempt: 1, cause });
    expect(actions.map(({ type }) => type)).toEqual(['error', 'state']);
    expect(play.errors[0]!.cause).toBe(cause);
    expect(play.life.state).toBe('waiting');
    play.reconnect();
    expect(play.life.state).toBe('open');
  });

  it('fails when the address, the socket or the service takes too long', () => {
    const play = new SessionPlay({ connectTimeoutMs: 1000, readyTimeoutMs: 3000 });
    play.tell({ type: 'start' });
    play.wait(999);
    expect(play.life.state).toBe('connecting');
    play.wait(1);
    expect(play.life.state).toBe('waiting');
    play.waitForAttempt();
    const address = { url: 'wss://service.example', protocols: [] };
    // Late.
    expect(play.tell({ type: 'address', attempt: 1, address })).toEqual([]);
    play.tell({ type: 'address', attempt: 2, address });
    expect(actionsOf(play.wait(1000), 'disconnect')).toEqual([
      { type: 'disconnect', attempt: 2, code: 4000 },
    ]);
    play.waitForAttempt();
    play.reach();
    play.wait(2999);
    expect(play.life.state).toBe('connecting');
    expect(actionsOf(play.wait(1), 'disconnect')).toHaveLength(1);
  });

  it('fails if the code of the service throws', () => {
    const play = new SessionPlay({
      service: {
        connect: () => {
          throw new Error('A fault.');
        },
      },
    });
    play.tell({ type: 'start' });
    play.reach();
    expect(play.errors).toHaveLength(1);
    expect(play.life.state).toBe('waiting');
  });
});

describe('an error of the service', () => {
  it('is reported, and the session continues', () => {
    const play = SessionPlay.open();
    play.say({ type: 'error', code: 'slow', message: 'Slow.', fatal: false, retry: true });
    expect(play.errors[0]).toMatchObject({ code: 'transport' });
    expect(play.errors[0]!.message).toMatch(/"slow": Slow\./);
    expect(play.life.state).toBe('open');
  });

  it('ends the connection when it is fatal', () => {
    const play = SessionPlay.open();
    play.say({ type: 'error', code: 'gone', message: 'Gone.', fatal: true, retry: true });
    expect(play.life.state).toBe('waiting');
    expect(play.errors).toHaveLength(1);
  });

  it('ends the session if reconnecting is useless: at once, or when the connection is gone', () => {
    for (const fatal of [true, false]) {
      const play = SessionPlay.open();
      play.say({ type: 'error', code: 'key', message: 'Wrong key.', fatal, retry: false });
      if (!fatal) {
        expect(play.life.state).toBe('open');
        play.drop(1006);
      }
      expect(play.life.state).toBe('closed');
      expect(play.errors.at(-1)!.message).toMatch(/Wrong key/);
    }
  });

  it('is reported once for each kind of message that cannot be read', () => {
    const play = SessionPlay.open();
    for (let i = 0; i < 3; i++) {
      for (const data of ['nonsense', 'crash']) {
        play.tell({ type: 'message', attempt: play.attempt, data });
      }
    }
    expect(play.errors.map(({ cause }) => (cause as Error).name)).toEqual(['PacketError', 'Error']);
    play.drop();
    play.reconnect();
    play.tell({ type: 'message', attempt: play.attempt, data: 'nonsense' });
    expect(play.errors).toHaveLength(3);
    expect(play.life.state).toBe('open');
  });

  it('is an acknowledgement of audio that was never sent', () => {
    const play = SessionPlay.open();
    play.talk(100);
    for (const frame of [1601, 1e9, 0.5]) play.acknowledge(frame);
    expect(play.errors).toHaveLength(1);
    expect(play.life.stats).toMatchObject({ acknowledgedFrames: 0, inFlightFrames: 1600 });
  });
});

describe('the end of a session', () => {
  it('is immediate if there is nothing to send', () => {
    for (const play of [new SessionPlay(), SessionPlay.open()]) {
      const actions = play.tell({ type: 'close', drainMs: 5000 });
      expect(actions.at(-1)).toEqual({ type: 'closed' });
      expect(play.life.state).toBe('closed');
    }
  });

  it('waits until everything was sent and acknowledged, and sends an end message', () => {
    const play = SessionPlay.open();
    play.capture(1000);
    play.capture(1000);
    play.tell({ type: 'send', value: 'bye' });
    play.tell({ type: 'commit' });
    play.heard();
    play.tell({ type: 'close', drainMs: 5000 });
    // What comes now is too late.
    play.capture(20);
    play.wait(2000);
    expect(play.heard().map(({ type }) => type)).toEqual(['audio', 'commit']);
    expect(play.life.state).toBe('open');
    const actions = play.acknowledge(32_000);
    expect(actions.map(({ type }) => type)).toEqual(['send', 'disconnect', 'state', 'closed']);
    expect(play.heard()).toEqual([{ type: 'end' }]);
    expect(actionsOf(actions, 'disconnect')[0]!.code).toBe(1000);
    expect(play.gaps).toEqual([]);
    expect(play.life.stats.capturedFrames).toBe(32_000);
  });

  it('does not exceed its time limit, and reports the lost audio', () => {
    const play = SessionPlay.open({ stallMs: 60_000 });
    play.capture(1000);
    play.capture(1000);
    play.acknowledge(16_000);
    play.tell({ type: 'close', drainMs: 400 });
    play.wait(399);
    expect(play.life.state).toBe('replaying');
    play.wait(1);
    expect(play.life.state).toBe('closed');
    expect(play.gaps).toEqual([{ frame: 16_000, frames: 16_000, cause: 'closed' }]);
  });

  it('connects to send waiting audio', () => {
    const play = SessionPlay.open();
    play.talk(1000);
    play.drop();
    play.tell({ type: 'close', drainMs: 5000 });
    play.reconnect();
    play.wait(600);
    play.acknowledge(16_000);
    expect(play.life.state).toBe('closed');
    expect(play.gaps).toEqual([]);
  });

  it('is not held up by a connection that does not open', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    play.talk(100);
    play.tell({ type: 'close', drainMs: 1000 });
    play.wait(1000);
    expect(play.life.state).toBe('closed');
    expect(play.gaps).toEqual([{ frame: 0, frames: 1600, cause: 'closed' }]);
    const early = new SessionPlay();
    early.tell({ type: 'start' });
    expect(early.tell({ type: 'close', drainMs: 1000 }).at(-1)).toEqual({ type: 'closed' });
  });

  it('waits until the socket is empty, if the service acknowledges nothing', () => {
    const play = SessionPlay.open({ service: { acknowledges: false, overlapMs: 500 } });
    play.talk(1000);
    play.buffered = 640;
    play.tell({ type: 'close', drainMs: 5000 });
    play.wait(1000);
    expect(play.life.state).toBe('open');
    play.buffered = 0;
    play.wait(25);
    expect(play.life.state).toBe('closed');
    // What has left has arrived.
    expect(play.gaps).toEqual([]);
    expect(play.life.stats.acknowledgedFrames).toBe(16_000);
  });

  it('waits for the last message of a service that answers an end', () => {
    const play = SessionPlay.open({ service: { answersEnd: true } });
    play.tell({ type: 'close', drainMs: 5000 });
    expect(play.heard()).toEqual([{ type: 'end' }]);
    play.wait(1000);
    const event = { type: 'transcript', who: 'user', text: 'Bye.', final: true } as const;
    expect(play.say(event)).toEqual([{ type: 'service', event }]);
    expect(play.say({ type: 'ended' }).at(-1)).toEqual({ type: 'closed' });
    const silent = SessionPlay.open({ service: { answersEnd: true } });
    silent.tell({ type: 'close', drainMs: 5000 });
    silent.wait(4999);
    expect(silent.life.state).toBe('open');
    silent.wait(1);
    expect(silent.life.state).toBe('closed');
    const closing = SessionPlay.open({ service: { answersEnd: true } });
    closing.tell({ type: 'close', drainMs: 5000 });
    expect(closing.drop(1006).at(-1)).toEqual({ type: 'closed' });
    expect([...play.errors, ...silent.errors, ...closing.errors]).toEqual([]);
  });

  it('may be requested by the service', () => {
    const play = SessionPlay.open();
    play.talk(100);
    const actions = play.say({ type: 'ended' }, { type: 'ready' });
    expect(actions.map(({ type }) => type)).toEqual(['disconnect', 'gap', 'state', 'closed']);
    expect(play.errors).toEqual([]);
  });

  it('keeps to its time limit even if the service is going away', () => {
    const play = SessionPlay.open({ stallMs: 60_000 });
    play.talk(100);
    play.say({ type: 'going-away', inMs: 60_000 });
    play.tell({ type: 'close', drainMs: 1000 });
    play.wait(1000);
    expect(play.life.state).toBe('closed');
  });
});
