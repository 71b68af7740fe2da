import { describe, expect, it } from 'vitest';
import { SessionPlay, actionsOf, numberedAudio } from './helpers/session-play.ts';
import type { Heard } from './helpers/session-play.ts';

function typesOf(heard: readonly Heard[]): readonly string[] {
  return heard.map(({ type }) => type);
}

describe('the pace of a replay', () => {
  it('is limited to a multiple of real time, with a burst of 200 ms, up to the live audio', () => {
    const play = new SessionPlay({ service: { replaySpeed: 3 } });
    play.tell({ type: 'start' });
    play.talk(6000);
    play.connect();
    const start = play.nowMs;
    let sent = 0;
    let caughtUpMs = Infinity;
    for (let at = 0; at < 5000; at += 20) {
      play.wait(20);
      play.capture(20);
      for (const heard of play.heard()) if (heard.type === 'audio') sent += heard.frames / 16;
      play.acknowledge(play.lastFrame);
      expect(sent).toBeLessThanOrEqual(200 + 3 * (play.nowMs - start));
      if (play.life.state === 'open') caughtUpMs = Math.min(caughtUpMs, play.nowMs - start);
    }
    // 3 s of backlog go for each 2 s … and the burst is left over.
    expect(caughtUpMs).toBeGreaterThan(2700);
    expect(caughtUpMs).toBeLessThan(3000);
    expect(sent).toBe(11_000);
  });

  it('does not block chunks that are longer than the burst', () => {
    const play = SessionPlay.open({ service: { replaySpeed: 1.5 } });
    for (let i = 0; i < 10; i++) {
      play.wait(1000);
      play.capture(1000);
      play.acknowledge(play.lastFrame);
    }
    expect(play.life.stats.acknowledgedFrames).toBe(160_000);
  });

  it('reports no state that changes back and forth', () => {
    const play = SessionPlay.open();
    play.talk(1000, { acknowledged: true });
    // The network takes 250 ms at once.
    const states: string[] = [];
    for (let i = 0; i < 20; i++) {
      play.buffered = 70_000;
      const busy = Array.from({ length: 12 }, () => [...play.wait(20), ...play.capture(20)]);
      play.buffered = 0;
      for (const { state } of actionsOf([...busy.flat(), ...play.wait(60)], 'state')) {
        states.push(state);
      }
      play.acknowledge(play.lastFrame);
    }
    expect(states).toEqual([]);
    expect(play.life.state).toBe('open');
  });
});

describe('a socket that is full', () => {
  it('gets only replies, until it has sent enough', () => {
    const play = SessionPlay.open({ service: { acknowledges: false } });
    play.buffered = 65_537;
    play.capture(20);
    play.tell({ type: 'send', value: 1 });
    play.tell({ type: 'commit' });
    play.say({ type: 'reply', message: '{"type":"pong"}' });
    expect(play.heard()).toEqual([]);
    expect(play.life.stats.waitingFrames).toBe(320);
    play.buffered = 60_000;
    play.wait(25);
    expect(typesOf(play.heard())).toEqual(['message', 'audio', 'commit']);
  });

  it('may hold half a second of audio if that is more', () => {
    const service = {
      acknowledges: false,
      input: { format: 'f32', sampleRate: 48_000, channels: 2 },
    } as const;
    const play = SessionPlay.open({ service });
    const chunk = (frame: number) => ({
      ...numberedAudio(frame, 960),
      bytes: new Uint8Array(960 * 8),
    });
    play.buffered = 190_000;
    play.tell({ type: 'audio', audio: chunk(0) });
    expect(play.heard()).toHaveLength(1);
    play.buffered = 193_000;
    play.tell({ type: 'audio', audio: chunk(960) });
    expect(play.heard()).toHaveLength(0);
  });
});

describe('the outbox of a session', () => {
  it('is bounded: the oldest waiting audio is dropped', () => {
    const play = new SessionPlay({ maxOutboxMs: 2000 });
    play.tell({ type: 'start' });
    play.talk(5000);
    expect(play.life.stats).toMatchObject({ waitingFrames: 32_000, droppedFrames: 48_000 });
    play.connect();
    // What is in flight counts as well.
    play.acknowledge(play.lastFrame);
    play.talk(3000, { acknowledged: true });
    expect(play.heardAudio()).toEqual([[48_000, 128_000]]);
    expect(play.gaps[0]!.frame).toBe(0);
    for (const { cause } of play.gaps) expect(cause).toBe('overflow');
  });

  it('reports a storm of gaps as a few, ten a second', () => {
    const play = new SessionPlay({ maxOutboxMs: 1000 });
    play.tell({ type: 'start' });
    play.talk(3000);
    play.wait(200);
    expect(play.gaps.length).toBeLessThanOrEqual(20);
    let next = 0;
    for (const { frame, frames } of play.gaps) {
      expect(frame).toBe(next);
      next += frames;
    }
    expect(next).toBe(32_000);
  });

  it('counts dropped audio as acknowledged if it turns out to have arrived', () => {
    const play = SessionPlay.open({ maxOutboxMs: 1000 });
    play.talk(400);
    play.drop();
    play.talk(1000);
    // The first 400 ms were dropped, and may have arrived.
    play.wait(200);
    expect(play.gaps).toEqual([]);
    expect(play.life.stats).toMatchObject({ droppedFrames: 6400, waitingFrames: 16_000 });
    play.reconnect({ type: 'acknowledged', frame: 4800 });
    expect(play.life.stats).toMatchObject({ droppedFrames: 1600, acknowledgedFrames: 4800 });
    play.wait(100);
    expect(play.gaps).toEqual([{ frame: 4800, frames: 1600, cause: 'overflow' }]);
  });

  it('keeps dropped audio in doubt that has reached the service and is not safe yet', () => {
    const drop = (): SessionPlay => {
      const play = SessionPlay.open({ maxOutboxMs: 1000 });
      play.talk(400);
      play.drop();
      play.talk(1000);
      play.reconnect({ type: 'acknowledged', frame: 1600, received: 4800 });
      play.wait(100);
      expect(play.gaps).toEqual([{ frame: 4800, frames: 1600, cause: 'overflow' }]);
      expect(play.life.stats).toMatchObject({ droppedFrames: 4800 });
      return play;
    };
    const stored = drop();
    stored.acknowledge(9600);
    expect(stored.life.stats).toMatchObject({ droppedFrames: 1600 });
    // Another one that was started again has less.
    const forgotten = drop();
    forgotten.drop();
    forgotten.reconnect({ type: 'acknowledged', frame: 3200 });
    forgotten.wait(100);
    expect(forgotten.gaps.slice(1)).toEqual([{ frame: 3200, frames: 1600, cause: 'overflow' }]);
    expect(forgotten.life.stats).toMatchObject({ droppedFrames: 3200 });
  });

  it('also counts audio that is dropped later as in doubt, as far as it has reached the service', () => {
    const play = SessionPlay.open({ maxOutboxMs: 1000 });
    play.talk(800);
    play.drop();
    // Half of what the outbox holds was sent.
    play.reconnect(
      { type: 'acknowledged', frame: 0, received: 8000 },
      { type: 'flow', open: false },
    );
    play.talk(1000);
    play.wait(200);
    const told = play.gaps.reduce((sum, { frames }) => sum + frames, 0);
    expect(play.gaps[0]!.frame).toBe(8000);
    expect(play.life.stats.droppedFrames).toBe(8000 + told);
    play.acknowledge(8000);
    expect(play.life.stats.droppedFrames).toBe(told);
  });

  it('limits the audio in flight, so that none of it has to be dropped', () => {
    const play = SessionPlay.open({ maxOutboxMs: 2000, stallMs: 60_000 });
    play.talk(6000);
    const { inFlightFrames, waitingFrames, droppedFrames } = play.life.stats;
    expect(inFlightFrames).toBe(16_000);
    expect(waitingFrames).toBeGreaterThan(11_000);
    play.acknowledge(16_000);
    play.talk(2000, { acknowledged: true });
    expect(play.heardAudio()).toEqual([
      [0, 16_000],
      [16_000 + droppedFrames, 128_000],
    ]);
  });

  it('counts and reports frames that the capture lost', () => {
    const play = SessionPlay.open();
    play.capture(20);
    play.capture(20, 100);
    play.tell({ type: 'lost', frames: 50 });
    play.wait(100);
    expect(play.gaps).toEqual([
      { frame: 320, frames: 100, cause: 'capture' },
      { frame: 740, frames: 50, cause: 'capture' },
    ]);
    expect(play.life.stats).toMatchObject({ capturedFrames: 790, droppedFrames: 150 });
  });

  it('refuses audio that does not follow or does not match its header, and reports it once', () => {
    const play = SessionPlay.open();
    play.capture(20);
    play.tell({ type: 'audio', audio: numberedAudio(319, 320) });
    play.tell({ type: 'audio', audio: numberedAudio(320.5, 320) });
    play.tell({ type: 'audio', audio: { ...numberedAudio(320, 320), bytes: new Uint8Array(639) } });
    play.tell({ type: 'audio', audio: numberedAudio(320, 0) });
    expect(play.errors).toHaveLength(1);
    expect(play.life.stats.capturedFrames).toBe(320);
    // More cannot be missing than is between.
    play.tell({ type: 'audio', audio: numberedAudio(400, 320, 1000) });
    expect(play.life.stats.capturedFrames).toBe(720);
  });
});

describe('a service that acknowledges nothing', () => {
  it('counts audio as received that has left the socket, once it is as old as the overlap', () => {
    const play = SessionPlay.open({ service: { acknowledges: false, overlapMs: 500 } });
    play.talk(2000);
    expect(play.life.stats).toMatchObject({ acknowledgedFrames: 23_680, inFlightFrames: 8320 });
    play.heard();
    play.drop();
    play.reconnect();
    play.wait(1000);
    expect(play.heardAudio()).toEqual([[23_680, 32_000]]);
    expect(play.life.stats.replayedFrames).toBe(8320);
  });

  it('has received no audio that never left the socket', () => {
    const play = SessionPlay.open({ service: { acknowledges: false, overlapMs: 0 } });
    play.talk(1920);
    for (const buffered of [0, 640, 1280, 1920]) {
      play.buffered = buffered;
      play.capture(20);
    }
    play.heard();
    // Within a chunk: all of it is sent again.
    play.buffered = 2000;
    play.drop();
    play.reconnect();
    play.wait(1000);
    expect(play.heardAudio()).toEqual([[32_000 - 1280, 32_000]]);
  });

  it('does not get old audio again after a long silence', () => {
    const play = SessionPlay.open({
      service: { acknowledges: false, overlapMs: 1000, muteAs: 'nothing' },
    });
    play.talk(500);
    play.tell({ type: 'mute', muted: true });
    play.wait(60_000);
    play.heard();
    play.drop();
    play.reconnect();
    expect(play.heardAudio()).toEqual([]);
  });
});

describe('a recognizer', () => {
  it('hears audio without final text again, at most the overlap', () => {
    for (const acknowledges of [true, false]) {
      const play = SessionPlay.open({ service: { acknowledges, overlapMs: 3000 } });
      play.talk(2000, { acknowledged: acknowledges });
      play.say({ type: 'settled', frame: 10_005 });
      play.heard();
      play.drop();
      play.reconnect();
      play.wait(2000);
      expect(play.heardAudio()).toEqual([[10_005, 32_000]]);
      expect(play.life.stats.replayedFrames).toBe(21_995);
      if (acknowledges) expect(play.life.stats.acknowledgedFrames).toBe(32_000);
    }
  });

  it('does not hear more than the overlap again', () => {
    const play = SessionPlay.open({ service: { overlapMs: 1000 } });
    play.talk(5000, { acknowledged: true });
    play.heard();
    play.drop();
    play.reconnect();
    play.wait(2000);
    expect(play.heardAudio()).toEqual([[64_000, 80_000]]);
    expect(play.life.stats).toMatchObject({ acknowledgedFrames: 80_000, droppedFrames: 0 });
  });

  it('causes no loss of audio when the audio kept for it needs room', () => {
    const play = SessionPlay.open({ service: { overlapMs: 15_000 }, maxOutboxMs: 1000 });
    play.talk(5000, { acknowledged: true });
    play.drop();
    play.talk(1000);
    expect(play.life.stats).toMatchObject({ droppedFrames: 0, waitingFrames: 16_000 });
  });
});

describe('mute', () => {
  it('sends silence if the service wants that', () => {
    const play = SessionPlay.open();
    play.capture(20);
    play.tell({ type: 'mute', muted: true });
    expect(play.life.muted).toBe(true);
    const actions = play.capture(20);
    play.tell({ type: 'mute', muted: false });
    play.capture(20);
    expect(actionsOf(actions, 'send')[0]!.message).toEqual(new Uint8Array(640));
    expect(typesOf(play.heard())).toEqual(['audio', 'mute', 'audio', 'mute', 'audio']);
    expect(play.life.stats.capturedFrames).toBe(960);
  });

  it('sends silence in the right format', () => {
    const input = { format: 'alaw', sampleRate: 8000, channels: 1 } as const;
    const play = SessionPlay.open({ service: { input } });
    play.tell({ type: 'mute', muted: true });
    const audio = { ...numberedAudio(0, 160), bytes: new Uint8Array(160) };
    const actions = play.tell({ type: 'audio', audio });
    expect(actionsOf(actions, 'send')[0]!.message).toEqual(new Uint8Array(160).fill(0xd5));
  });

  it('otherwise sends nothing, and never packets of a codec: the frame numbers continue', () => {
    const input = { format: 'opus', sampleRate: 16_000, channels: 1 } as const;
    for (const service of [{ muteAs: 'nothing' }, { muteAs: 'keep-alive' }, { input }] as const) {
      const play = SessionPlay.open({ service });
      play.capture(20);
      play.tell({ type: 'mute', muted: true });
      play.capture(20, 100);
      play.tell({ type: 'lost', frames: 60 });
      play.frame += 60;
      play.tell({ type: 'mute', muted: false });
      play.capture(20);
      play.wait(100);
      const heard = play.heard();
      expect(typesOf(heard)).toEqual(['audio', 'mute', 'mute', 'audio']);
      if (service !== undefined && !('input' in service)) {
        expect(heard.at(-1)).toMatchObject({ frame: 320 + 100 + 320 + 60 });
      }
      expect(play.life.stats).toMatchObject({ capturedFrames: 640, droppedFrames: 0 });
      expect(play.gaps).toEqual([]);
    }
  });

  it('is sent after the audio before it, and again after each reconnection', () => {
    const play = new SessionPlay({ service: { muteAs: 'nothing' } });
    play.tell({ type: 'start' });
    play.talk(1000);
    play.tell({ type: 'mute', muted: true });
    play.connect();
    play.wait(1000);
    expect(typesOf(play.heard().slice(-2))).toEqual(['audio', 'mute']);
    play.acknowledge(16_000);
    play.drop();
    play.reconnect();
    expect(play.heard().slice(1)).toEqual([{ type: 'mute', muted: true }]);
    play.tell({ type: 'mute', muted: false });
    play.drop();
    play.reconnect();
    // A new connection knows of no mute.
    expect(typesOf(play.heard())).toEqual(['mute', 'open']);
  });

  it('is reported once, however often the app calls it', () => {
    const play = SessionPlay.open();
    for (const muted of [false, true, true, false, false]) play.tell({ type: 'mute', muted });
    expect(play.heard()).toEqual([
      { type: 'mute', muted: true },
      { type: 'mute', muted: false },
    ]);
  });

  it('keeps the service awake, if it has a message for that', () => {
    const play = SessionPlay.open({
      service: { acknowledges: false, muteAs: 'keep-alive', keepAliveMs: 5000 },
    });
    play.tell({ type: 'mute', muted: true });
    play.heard();
    play.talk(4980);
    expect(play.heard()).toEqual([]);
    play.talk(5020);
    expect(typesOf(play.heard())).toEqual(['keep-alive', 'keep-alive']);
    play.tell({ type: 'mute', muted: false });
    play.talk(20_000);
    expect(typesOf(play.heard())).not.toContain('keep-alive');
  });
});

describe('half duplex', () => {
  it('sends silence while a reply is heard, and does not report the user as muted', () => {
    const play = SessionPlay.open({ halfDuplex: true });
    play.tell({ type: 'playing', playing: true });
    const actions = play.capture(20);
    play.tell({ type: 'playing', playing: false });
    play.capture(20);
    expect(actionsOf(actions, 'send')[0]!.message).toEqual(new Uint8Array(640));
    expect(play.heardAudio()).toEqual([[0, 640]]);
    expect(play.life.muted).toBe(false);
  });

  it('is off unless it is enabled', () => {
    const play = SessionPlay.open();
    play.tell({ type: 'playing', playing: true });
    play.capture(20);
    expect(play.heardAudio()).toEqual([[0, 320]]);
  });
});

describe('a commit', () => {
  it('follows the audio before it, and precedes later messages', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    play.talk(1000);
    play.tell({ type: 'send', value: 'first' });
    play.tell({ type: 'commit' });
    play.tell({ type: 'send', value: 'second' });
    play.talk(200);
    play.connect();
    play.wait(2000);
    const heard = play.heard().filter(({ type }) => type !== 'audio');
    expect(heard.slice(1)).toEqual([
      { type: 'message', value: 'first' },
      { type: 'commit', frame: 16_000 },
      { type: 'message', value: 'second' },
    ]);
  });

  it('is sent again when audio before it is, or when it may itself be lost', () => {
    for (const acknowledged of [8000, 16_000]) {
      const play = SessionPlay.open();
      play.talk(1000);
      play.tell({ type: 'commit' });
      play.acknowledge(acknowledged);
      play.heard();
      play.drop();
      play.reconnect();
      play.wait(1000);
      expect(play.heard().at(-1)).toEqual({ type: 'commit', frame: 16_000 });
    }
  });

  it('is not sent again if the service has the audio after it, nor if it is old', () => {
    const play = SessionPlay.open();
    play.talk(1000);
    play.tell({ type: 'commit' });
    play.talk(100);
    play.acknowledge(16_001);
    play.heard();
    play.drop();
    play.reconnect();
    play.wait(1000);
    expect(typesOf(play.heard())).not.toContain('commit');
    const silent = SessionPlay.open({ service: { acknowledges: false, overlapMs: 500 } });
    silent.talk(1000);
    silent.tell({ type: 'commit' });
    silent.wait(1000);
    silent.heard();
    silent.drop();
    silent.reconnect();
    expect(typesOf(silent.heard())).toEqual(['open']);
  });

  it('replaces one that was not sent yet, if no audio was captured between', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    for (let i = 0; i < 1000; i++) play.tell({ type: 'commit' });
    play.capture(20);
    play.tell({ type: 'commit' });
    play.connect();
    expect(play.heard().slice(1)).toEqual([
      { type: 'commit', frame: 0 },
      { type: 'audio', frame: 0, frames: 320 },
      { type: 'commit', frame: 320 },
    ]);
  });

  it('survives the audio before it', () => {
    const play = new SessionPlay({ maxOutboxMs: 1000 });
    play.tell({ type: 'start' });
    for (let i = 0; i < 5; i++) {
      play.talk(500);
      play.tell({ type: 'commit' });
      play.tell({ type: 'send', value: i });
    }
    play.connect();
    play.wait(500);
    play.acknowledge(play.lastFrame);
    play.wait(500);
    const heard = play.heard().filter(({ type }) => type !== 'audio');
    // The turns that were lost have one end.
    expect(heard.slice(1)).toEqual([
      { type: 'commit', frame: 24_000 },
      { type: 'message', value: 0 },
      { type: 'message', value: 1 },
      { type: 'message', value: 2 },
      { type: 'commit', frame: 32_000 },
      { type: 'message', value: 3 },
      { type: 'commit', frame: 40_000 },
      { type: 'message', value: 4 },
    ]);
  });
});

describe('requests that wait beside the audio', () => {
  it('are bounded: the oldest request is dropped, and the app gets one error', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    for (let i = 0; i < 100; i++) play.tell({ type: 'send', value: i });
    expect(play.errors).toHaveLength(1);
    play.connect();
    const heard = play.heard().slice(1);
    expect(heard).toHaveLength(64);
    expect(heard[0]).toEqual({ type: 'message', value: 36 });
  });

  it('are sent again if they never left the socket', () => {
    const play = SessionPlay.open();
    play.tell({ type: 'send', value: 1 });
    play.tell({ type: 'send', value: 2 });
    play.heard();
    play.buffered = JSON.stringify({ type: 'message', value: 2 }).length;
    play.drop();
    play.reconnect();
    expect(play.heard().slice(1)).toEqual([{ type: 'message', value: 2 }]);
  });

  it('are not sent again if they have left the socket, answers included', () => {
    const play = SessionPlay.open();
    play.tell({ type: 'send', value: 1 });
    play.tell({ type: 'played', item: 'reply-1', name: 'm', frames: 5 });
    play.heard();
    play.wait(100);
    play.tell({ type: 'tick' });
    play.drop();
    play.reconnect();
    expect(typesOf(play.heard())).toEqual(['open']);
  });

  it('are not sent again by a socket that counts more bytes than the messages have', () => {
    const play = SessionPlay.open();
    // The first two have left it. A frame's header has up to 14 bytes.
    for (const value of ['é1', 'é2', 'é3', 'é4']) {
      play.tell({ type: 'send', value });
      const { length } = new TextEncoder().encode(JSON.stringify({ type: 'message', value }));
      if (value > 'é2') play.buffered += length + 14;
    }
    play.heard();
    play.drop();
    play.reconnect();
    expect(play.heard().slice(1)).toEqual([
      { type: 'message', value: 'é3' },
      { type: 'message', value: 'é4' },
    ]);
  });

  it('are not sent if they cannot be encoded, and the app gets an error', () => {
    const play = SessionPlay.open();
    play.tell({ type: 'send', value: undefined });
    play.tell({ type: 'send', value: undefined });
    expect(play.errors.map(({ cause }) => (cause as Error).message)).toEqual([
      'No value.',
      'No value.',
    ]);
    play.tell({ type: 'send', value: 1 });
    expect(play.heard()).toEqual([{ type: 'message', value: 1 }]);
  });

  it('include a mark, which follows the audio captured before it', () => {
    const play = SessionPlay.open();
    play.capture(1000);
    play.capture(1000);
    play.tell({ type: 'mark', name: 'm' });
    play.capture(20);
    play.wait(3000);
    expect(typesOf(play.heard())).toEqual(['audio', 'audio', 'mark', 'audio']);
  });

  it('can be discarded, audio included', () => {
    const play = SessionPlay.open();
    for (let i = 0; i < 5; i++) play.capture(1000);
    play.heard();
    play.tell({ type: 'clear' });
    play.wait(5000);
    expect(play.heard()).toEqual([{ type: 'clear' }]);
    expect(play.gaps).toEqual([{ frame: 0, frames: 80_000, cause: 'cleared' }]);
    play.capture(20);
    expect(play.heardAudio()).toEqual([[80_000, 80_320]]);
  });
});

describe('a service that pauses the audio', () => {
  it('gets no audio until it is ready again, but everything else', () => {
    const play = SessionPlay.open();
    play.capture(20);
    play.say({ type: 'flow', open: false });
    play.capture(20);
    play.tell({ type: 'send', value: 1 });
    play.wait(10_000);
    expect(play.life.state).toBe('open');
    expect(typesOf(play.heard())).toEqual(['audio', 'message']);
    play.say({ type: 'flow', open: true });
    expect(play.heardAudio()).toEqual([[320, 640]]);
    play.say({ type: 'flow', open: false });
    play.drop();
    play.capture(20);
    play.reconnect();
    expect(play.heardAudio()).toEqual([[0, 960]]);
  });
});

describe('an interruption', () => {
  const heard = { item: 'reply-1', frames: 2400, ms: 100, unheard: [] };

  it('silences the player, reports the frames heard to the service, and then informs the app', () => {
    for (const byUser of [true, false]) {
      const play = SessionPlay.open();
      const first = byUser ? play.tell({ type: 'interrupt' }) : play.say({ type: 'interrupted' });
      expect(first).toEqual([{ type: 'interrupt' }]);
      const second = play.tell({ type: 'interrupted', heard });
      expect(second.map(({ type }) => type)).toEqual(['interrupted', 'send']);
      expect(play.heard()).toEqual([{ type: 'interrupted', heard }]);
    }
  });

  it('is requested once until the player answers, and again if more audio has arrived meanwhile', () => {
    const play = SessionPlay.open();
    play.tell({ type: 'interrupt' });
    expect(play.tell({ type: 'interrupt' })).toEqual([]);
    expect(play.say({ type: 'interrupted' })).toEqual([]);
    const done = play.tell({ type: 'interrupted', heard });
    expect(actionsOf(done, 'interrupt')).toEqual([]);
    expect(play.tell({ type: 'interrupted', heard })).toEqual([]);
    play.tell({ type: 'interrupt' });
    play.say({ type: 'audio', item: 'reply-2', bytes: new Uint8Array(2) }, { type: 'interrupted' });
    expect(actionsOf(play.tell({ type: 'interrupted', heard }), 'interrupt')).toHaveLength(1);
  });

  it('is reported after a reconnection, if there was no connection', () => {
    const play = SessionPlay.open();
    play.tell({ type: 'interrupt' });
    play.drop();
    play.tell({ type: 'interrupted', heard });
    const played = { type: 'played', item: 'reply-1', name: 'm', frames: 5 } as const;
    play.tell(played);
    play.reconnect();
    expect(play.heard().slice(1)).toEqual([{ type: 'interrupted', heard }, played]);
  });

  it('is reported again if it may not have arrived and the service knows the session', () => {
    const play = SessionPlay.open();
    const nothing = { item: undefined, frames: 0, ms: 0, unheard: [] };
    for (const one of [heard, nothing]) {
      play.tell({ type: 'interrupt' });
      play.tell({ type: 'interrupted', heard: one });
    }
    play.capture(20);
    play.wait(100);
    play.drop();
    play.reconnect({ type: 'ready', resumed: true });
    // What names no item would be told twice.
    expect(play.heard().filter(({ type }) => type === 'interrupted')).toHaveLength(3);
    play.capture(20);
    play.acknowledge(640);
    play.heard();
    play.drop();
    play.reconnect({ type: 'ready', resumed: true });
    expect(typesOf(play.heard())).toEqual(['open']);
  });

  it('is reported once if nothing was playing, however often it is requested without a connection', () => {
    const play = SessionPlay.open();
    const nothing = { item: undefined, frames: 0, ms: 0, unheard: [] };
    play.drop();
    for (const one of [heard, ...Array<typeof nothing>(100).fill(nothing)]) {
      play.tell({ type: 'interrupt' });
      play.tell({ type: 'interrupted', heard: one });
    }
    play.reconnect();
    expect(play.heard().slice(1)).toEqual([{ type: 'interrupted', heard }]);
  });

  it('does not wait for audio or a commit', () => {
    const play = SessionPlay.open();
    for (let i = 0; i < 5; i++) play.capture(1000);
    play.tell({ type: 'commit' });
    play.tell({ type: 'send', value: 1 });
    play.heard();
    play.tell({ type: 'interrupt' });
    play.tell({ type: 'interrupted', heard });
    expect(play.heard()).toEqual([{ type: 'interrupted', heard }]);
  });
});

describe('what the service says', () => {
  it('is passed on in order to the player and the app, except for events about the connection', () => {
    const play = SessionPlay.open();
    const events = [
      { type: 'transcript', who: 'user', text: 'Hi', final: true },
      { type: 'item-end', item: 'reply-1' },
      { type: 'mark', item: 'reply-1', name: 'm' },
      { type: 'marked', name: 'mine' },
      { type: 'caption', item: 'reply-1', text: 'Hello', startMs: 0 },
      { type: 'speech', active: true },
      { type: 'message', value: { a: 1 } },
    ] as const;
    const actions = play.say(
      { type: 'handle', handle: 'h' },
      { type: 'acknowledged', frame: 0 },
      ...events,
      { type: 'flow', open: true },
    );
    expect(actions).toEqual(events.map((event) => ({ type: 'service', event })));
  });
});
