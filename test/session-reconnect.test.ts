import { describe, expect, it } from 'vitest';
import { SessionPlay, actionsOf, decode, encode } from './helpers/session-play.ts';

describe('a lost connection', () => {
  it('is followed by another one, which sends unacknowledged audio', () => {
    const play = SessionPlay.open();
    play.talk(1000);
    expect(play.heardAudio()).toEqual([[0, 16_000]]);
    play.acknowledge(12_000);
    play.drop();
    expect(play.life.state).toBe('waiting');
    play.talk(200);
    play.reconnect();
    expect(play.heard()[0]).toMatchObject({ type: 'open', frame: 12_000, connections: 1 });
    play.wait(1000);
    play.acknowledge(19_200);
    expect(play.life.stats).toMatchObject({
      acknowledgedFrames: 19_200,
      replayedFrames: 4000,
      connections: 2,
    });
    expect(play.errors).toEqual([]);
  });

  it('does not send audio again that the service says it has', () => {
    const play = SessionPlay.open();
    play.talk(1000);
    play.heard();
    play.drop();
    play.reconnect({ type: 'acknowledged', frame: 12_345 });
    play.wait(1000);
    expect(play.heardAudio()).toEqual([[12_345, 16_000]]);
    expect(play.life.stats.replayedFrames).toBe(16_000 - 12_345);
  });

  it('marks audio that may have been sent as replayed, and not audio that never left the socket', () => {
    const replayed: boolean[] = [];
    const play = SessionPlay.open({
      service: {
        connect: () => ({
          encode: (request) => {
            if (request.type === 'audio') replayed.push(request.replayed);
            return encode(request);
          },
          decode,
        }),
      },
    });
    play.talk(40);
    play.buffered = 640;
    play.drop();
    play.reconnect();
    play.talk(20);
    expect(replayed).toEqual([false, false, true, false, false]);
    expect(play.life.stats.replayedFrames).toBe(320);
  });

  it('may still deliver the bytes in its socket, if this side closed it', () => {
    const play = SessionPlay.open({ maxOutboxMs: 1000 });
    play.capture(20);
    play.tell({ type: 'send', value: 1 });
    play.buffered = 1000;
    play.wait(5000);
    expect(play.life.state).toBe('waiting');
    play.heard();
    // The audio is dropped; it may have arrived.
    play.talk(1000);
    expect(play.life.stats.droppedFrames).toBe(320);
    play.wait(200);
    expect(play.gaps).toEqual([]);
    play.connect({ type: 'acknowledged', frame: 320 });
    expect(play.life.stats.droppedFrames).toBe(0);
    // The message is not sent again: it would be there twice.
    expect(play.heard().map(({ type }) => type)).not.toContain('message');
  });

  it('is over: audio dropped after the next one is ready is lost, whatever that one acknowledges', () => {
    const play = SessionPlay.open({ maxOutboxMs: 1000 });
    play.talk(600);
    play.drop();
    play.reconnect({ type: 'acknowledged', frame: 0 });
    play.say({ type: 'flow', open: false });
    play.talk(1000);
    play.wait(100);
    expect(play.gaps).not.toEqual([]);
    const { droppedFrames } = play.life.stats;
    play.say({ type: 'flow', open: true });
    play.talk(1000, { acknowledged: true });
    expect(play.life.stats.droppedFrames).toBeGreaterThanOrEqual(droppedFrames);
  });

  it('keeps the last handle for the next connection', () => {
    const play = SessionPlay.open();
    play.say({ type: 'handle', handle: 'a' });
    play.say({ type: 'handle', handle: 'b' });
    play.drop();
    play.waitForAttempt();
    play.reach();
    expect(play.heard()[0]).toMatchObject({ type: 'open', handle: 'b' });
  });

  it('ignores late events of its socket', () => {
    const play = SessionPlay.open();
    const { attempt } = play;
    play.drop();
    const late = [
      play.tell({ type: 'opened', attempt }),
      play.tell({ type: 'message', attempt, data: '[{"type":"ended"}]' }),
      play.tell({ type: 'closed', attempt, code: 4400, reason: '' }),
      play.tell({ type: 'address-failed', attempt, cause: null }),
    ];
    expect(late).toEqual([[], [], [], []]);
    play.reconnect();
    expect(play.tell({ type: 'closed', attempt, code: 1006, reason: '' })).toEqual([]);
    expect(play.life.state).toBe('open');
  });

  it('is not followed by another one if the close code means that reconnecting is useless', () => {
    const play = SessionPlay.open();
    play.talk(100);
    play.acknowledge(800);
    const actions = play.drop(4400, 'Bad hello');
    expect(actions.map(({ type }) => type)).toEqual(['error', 'gap', 'state', 'closed']);
    expect(play.errors[0]!.message).toMatch(/code 4400, for the reason "Bad hello"/);
    expect(play.gaps).toEqual([{ frame: 800, frames: 800, cause: 'closed' }]);
    expect(play.life.dueMs).toBe(Infinity);
    expect(play.capture(20)).toEqual([]);
    expect(play.life.stats).toMatchObject({ capturedFrames: 1600, droppedFrames: 800 });
  });
});

describe('the delay before the next attempt', () => {
  it('doubles with every failure up to its limit, at random from nothing to all of it', () => {
    for (const [roll, factor] of [
      [0, 0],
      [0.5, 0.5],
      [0.999, 0.999],
    ] as const) {
      const play = SessionPlay.open({ random: () => roll, firstDelayMs: 100, maxDelayMs: 1000 });
      const delays: number[] = [];
      play.drop();
      for (let failures = 0; failures < 6; failures++) {
        if (play.life.state === 'waiting') delays.push(play.waitForAttempt());
        else delays.push(0);
        play.reach();
        play.drop();
      }
      const expected = [100, 200, 400, 800, 1000, 1000].map((ms) => Math.ceil(ms * factor));
      expect(delays).toEqual(expected);
    }
  });

  it('restarts from the shortest after a connection that has lasted', () => {
    const play = SessionPlay.open({ random: () => 0.9 });
    for (let i = 0; i < 5; i++) {
      play.drop();
      play.reconnect();
    }
    play.wait(4999);
    play.drop();
    expect(play.waitForAttempt()).toBe(250 * 2 ** 5 * 0.9);
    play.connect();
    play.wait(5000);
    play.drop();
    expect(play.waitForAttempt()).toBe(225);
  });

  /** Delays before five attempts, each of which has led to a connection that `use` was made of before it was lost. */
  function delaysOf(play: SessionPlay, use: () => void): number[] {
    return [0, 1, 2, 3, 4].map(() => {
      use();
      if (play.life.state !== 'waiting') play.drop();
      const delayMs = play.waitForAttempt();
      play.connect();
      return delayMs;
    });
  }

  /** Waits until the session gives the connection up. */
  function waitForLoss(play: SessionPlay): void {
    while (play.life.state !== 'waiting') play.wait(play.life.dueMs - play.nowMs);
  }

  const GROWING = [250, 500, 1000, 2000, 4000];

  it('grows if connections last, but nothing is acknowledged on them', () => {
    const silent = SessionPlay.open({ random: () => 1 });
    const speak = (): void => {
      silent.capture(20);
      waitForLoss(silent);
    };
    expect(delaysOf(silent, speak)).toEqual(GROWING);

    const busy = SessionPlay.open({ random: () => 1 });
    const converse = (): void => {
      for (let second = 0; second < 8; second++) {
        busy.talk(1000);
        busy.say({ type: 'message', value: 'Hm.' });
      }
    };
    expect(delaysOf(busy, converse)).toEqual(GROWING);
  });

  it('grows if sockets send nothing, or keep-alive messages have no answer', () => {
    const full = SessionPlay.open({ random: () => 1, service: { acknowledges: false } });
    const fill = (): void => {
      full.capture(20);
      full.buffered = 640;
      waitForLoss(full);
    };
    expect(delaysOf(full, fill)).toEqual(GROWING);

    for (const keepAliveMs of [2000, 5000, 15_000]) {
      const idle = SessionPlay.open({ random: () => 1, service: { keepAliveMs } });
      expect(delaysOf(idle, () => waitForLoss(idle))).toEqual(GROWING);
    }
  });

  it('is short if each connection acknowledges for 5 s, or has nothing to acknowledge', () => {
    const play = SessionPlay.open({ random: () => 1 });
    const short = GROWING.map(() => 250);
    expect(delaysOf(play, () => play.talk(6000, { acknowledged: true }))).toEqual(short);
    expect(delaysOf(play, () => play.wait(5000))).toEqual(short);
  });

  it('ends at once when the system is online again', () => {
    const play = SessionPlay.open();
    play.drop();
    expect(play.tell({ type: 'online' })).toEqual([
      { type: 'address', attempt: 2 },
      { type: 'state', state: 'connecting' },
    ]);
    play.reach();
    play.drop();
    // And short again.
    expect(play.waitForAttempt()).toBe(125);
  });
});

describe('the system is online again', () => {
  it('replaces an earlier attempt, but not one that it caused itself', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    play.tell({
      type: 'address',
      attempt: 1,
      address: { url: 'wss://service.example', protocols: [] },
    });
    const actions = play.tell({ type: 'online' });
    expect(actions).toEqual([
      { type: 'disconnect', attempt: 1, code: 4000 },
      { type: 'address', attempt: 2 },
    ]);
    expect(play.tell({ type: 'online' })).toEqual([]);
    play.connect();
    expect(play.life.state).toBe('open');
  });

  it('has no effect on a connection that is ready, nor before the start', () => {
    expect(new SessionPlay().tell({ type: 'online' })).toEqual([]);
    expect(SessionPlay.open().tell({ type: 'online' })).toEqual([]);
  });
});

describe('a half-open connection', () => {
  it('is found when its socket holds bytes and none leaves', () => {
    const play = SessionPlay.open({ service: { acknowledges: false } });
    play.capture(400);
    play.buffered = 10_000;
    play.tell({ type: 'tick' });
    play.wait(3000);
    play.buffered = 9999;
    play.tell({ type: 'tick' });
    play.wait(4999);
    expect(play.life.state).toBe('open');
    expect(actionsOf(play.wait(1), 'disconnect')).toEqual([
      { type: 'disconnect', attempt: 1, code: 4000 },
    ]);
    play.reconnect();
    expect(play.life.state).toBe('open');
  });

  it('is found when audio in flight is not acknowledged, and nothing is received', () => {
    const play = SessionPlay.open();
    play.wait(60_000);
    expect(play.life.state).toBe('open');
    play.capture(20);
    play.wait(4000);
    play.capture(20);
    play.acknowledge(320);
    play.wait(4999);
    expect(play.life.state).toBe('open');
    play.wait(1);
    expect(play.life.state).toBe('waiting');
    play.heard();
    play.reconnect();
    expect(play.heardAudio()).toEqual([[320, 640]]);
  });

  it('is not assumed during a long reply before the acknowledgement, but not for ever', () => {
    const play = SessionPlay.open();
    play.capture(20);
    const speak = (ms: number): void => {
      for (let at = 0; at < ms; at += 1000) {
        play.wait(1000);
        play.say({ type: 'speech', active: true });
      }
    };
    speak(19_000);
    expect(play.life.state).toBe('open');
    speak(2000);
    expect(play.life.state).not.toBe('open');
  });

  it('is not assumed if the service answers, though it takes its time to acknowledge', () => {
    const play = SessionPlay.open({ stallMs: 1500, service: { keepAliveMs: 5000 } });
    play.capture(20);
    play.heard();
    for (let i = 0; i < 4; i++) {
      play.wait(749);
      expect(play.heard()).toEqual([]);
      play.wait(1);
      expect(play.heard()).toEqual([{ type: 'keep-alive' }]);
      play.wait(400);
      play.say();
    }
    expect(play.life.state).toBe('open');
    play.acknowledge(320);
    play.wait(4000);
    expect(play.heard()).toEqual([]);
  });

  it('is not assumed if acknowledgements proceed, however late they are', () => {
    const play = SessionPlay.open();
    for (let ms = 0; ms < 60_000; ms += 1000) {
      play.talk(1000);
      if (ms >= 2000) play.acknowledge(ms * 16 - 32_000 + 16);
    }
    expect(play.life.state).toBe('open');
    expect(play.life.stats.connections).toBe(1);
  });

  it('is found when a keep-alive message stays without an answer', () => {
    const play = SessionPlay.open({ service: { keepAliveMs: 8000 } });
    play.wait(8000);
    expect(play.heard()).toEqual([{ type: 'keep-alive' }]);
    play.wait(4000);
    play.say();
    play.wait(8000);
    expect(play.life.state).toBe('open');
    play.wait(1000);
    expect(play.life.state).toBe('waiting');
  });

  it('is found while messages are sent that have no answer', () => {
    const play = SessionPlay.open({ service: { keepAliveMs: 8000 } });
    for (let ms = 0; ms < 13_000; ms += 100) {
      play.tell({ type: 'send', value: {} });
      play.wait(100);
    }
    expect(play.life.state).toBe('waiting');
  });

  it('is not found if the service acknowledges nothing and the socket takes all data', () => {
    const play = SessionPlay.open({ service: { acknowledges: false, keepAliveMs: 8000 } });
    play.talk(60_000);
    expect(play.life.state).toBe('open');
  });

  it('is not assumed after the machine has slept', () => {
    const play = SessionPlay.open();
    play.capture(20);
    play.nowMs += 3_600_000;
    play.tell({ type: 'tick' });
    expect(play.life.state).toBe('open');
    play.acknowledge(320);
    play.capture(20);
    // Asleep again; but the second time nothing is heard.
    play.nowMs += 3_600_000;
    play.tell({ type: 'tick' });
    expect(play.life.state).toBe('open');
    play.wait(4999);
    expect(play.life.state).toBe('open');
    play.wait(1);
    expect(play.life.state).toBe('waiting');
  });

  it('is found in a page with timers that are always late', () => {
    const play = SessionPlay.open();
    play.capture(20);
    play.nowMs += 60_000;
    play.tell({ type: 'tick' });
    play.nowMs += 60_000;
    play.tell({ type: 'tick' });
    expect(play.life.state).toBe('waiting');
  });

  it('is not assumed by a clock that was set back', () => {
    const play = SessionPlay.open();
    play.capture(20);
    play.nowMs -= 1_000_000;
    play.tell({ type: 'tick' });
    play.wait(4999);
    expect(play.life.state).toBe('open');
    play.wait(1);
    expect(play.life.state).toBe('waiting');
  });
});

describe('a service that will close the connection', () => {
  it('gets nothing more, and a new connection at once when everything has arrived', () => {
    const play = SessionPlay.open();
    play.talk(6000, { acknowledged: true });
    play.capture(20);
    play.heard();
    play.say({ type: 'going-away', inMs: 10_000 });
    play.capture(20);
    play.tell({ type: 'send', value: 1 });
    expect(play.heard()).toEqual([]);
    const actions = play.acknowledge(play.frame - 320);
    expect(actions).toEqual([
      { type: 'disconnect', attempt: 1, code: 4000 },
      { type: 'address', attempt: 2 },
      { type: 'state', state: 'connecting' },
    ]);
    play.connect();
    expect(play.heard().map(({ type }) => type)).toEqual(['open', 'message', 'audio']);
    expect(play.life.stats.replayedFrames).toBe(0);
  });

  it('gets another connection half a second before it closes this one, acknowledged or not', () => {
    const play = SessionPlay.open({ stallMs: 60_000 });
    play.talk(6000, { acknowledged: true });
    play.capture(20);
    play.say({ type: 'going-away', inMs: 10_000 });
    play.wait(9499);
    expect(play.life.state).toBe('open');
    expect(play.waitForAttempt()).toBe(1);
    play.connect();
    expect(play.life.stats.replayedFrames).toBe(320);
  });

  it('does not hear audio twice because of it, if it acknowledges nothing', () => {
    const play = SessionPlay.open({ service: { acknowledges: false, overlapMs: 1000 } });
    play.talk(6000);
    play.heard();
    play.buffered = 640;
    play.say({ type: 'going-away', inMs: 5000 });
    play.wait(100);
    expect(play.life.state).toBe('open');
    play.buffered = 0;
    play.waitForAttempt();
    play.connect();
    expect(play.heardAudio()).toEqual([]);
  });

  it('counts as failing if it does so at once on each connection', () => {
    const play = SessionPlay.open({ random: () => 1 });
    for (const delayMs of [250, 500, 1000]) {
      play.say({ type: 'going-away', inMs: 1000 });
      expect(play.life.state).toBe('waiting');
      expect(play.waitForAttempt()).toBe(delayMs);
      play.connect();
    }
  });
});
