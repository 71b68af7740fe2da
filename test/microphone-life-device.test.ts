import { describe, expect, it } from 'vitest';
import { A, B, C, NONE, Play, defaultOf, of, opens } from './helpers/microphone-life.ts';

describe('a device that is lost', () => {
  it('is opened again, and reported as missing until it is heard', () => {
    const play = Play.live();
    const ended = play.end();
    expect(of(ended, 'lose')).toEqual([{ type: 'lose', cause: 'ended' }]);
    expect(opens(ended)).toEqual(['a']);
    expect(play.life.state).toBe('lost');
    expect(play.life.device).toBeNull();
    play.take(A);
    expect(play.life.state).toBe('live');
  });

  it('without an event is detected by its absence from the list', () => {
    const play = Play.live({ devices: [defaultOf(B), A, B] });
    const gone = play.tell({ type: 'devices', devices: [defaultOf(B), B] });
    expect(of(gone, 'lose')).toEqual([{ type: 'lose', cause: 'ended' }]);
    expect(opens(gone)).toEqual([null]);
  });

  it('is not assumed for a list without ids, as browsers give without permission', () => {
    const play = Play.live();
    const list = [{ deviceId: '', groupId: '', label: '' }];
    expect(opens(play.tell({ type: 'devices', devices: list }))).toEqual([]);
    expect(play.life.state).toBe('live');
  });

  it('is recognized by its label and group when it returns with another id', () => {
    const play = Play.live({ devices: [A, B] });
    play.tell({ type: 'devices', devices: [B] });
    play.take(B);
    expect(play.wait(60_000)).toEqual(NONE);
    const again = { ...A, deviceId: 'a2' };
    expect(opens(play.tell({ type: 'devices', devices: [again, B] }))).toEqual(['a2']);
  });

  it('is replaced by the default, and used again when it returns, without a gap', () => {
    const play = Play.live({ devices: [defaultOf(B), A, B] });
    play.tell({ type: 'devices', devices: [defaultOf(B), B] });
    play.take(defaultOf(B));
    play.wait(60_000);
    const back = play.tell({ type: 'devices', devices: [defaultOf(B), A, B] });
    expect(opens(back)).toEqual(['a']);
    expect(of(back, 'lose')).toEqual([]);
    expect(of(play.take(A), 'lose')).toEqual([]);
    expect(play.life.device).toEqual(A);
  });

  it('and taken by another program leaves the default in use, even if that changes', () => {
    const play = Play.live({ devices: [defaultOf(B), A, B, C] });
    play.end();
    play.refuse('NotReadableError');
    play.take(defaultOf(B));
    play.wait(500);
    play.refuse('NotReadableError');
    const changed = play.tell({ type: 'devices', devices: [defaultOf(C), A, B, C] });
    expect(opens(changed)).toEqual(['a']);
    expect(opens(play.refuse('NotReadableError'))).toEqual(['a']);
    expect(opens(play.refuse('NotReadableError'))).toEqual([null]);
    play.take(defaultOf(C));
    expect(play.life.device).toEqual(defaultOf(C));
  });

  it('is waited for with the policy "same"', () => {
    const play = Play.live({ reacquire: 'same', devices: [A, B] });
    play.end();
    expect(opens(play.refuse('OverconstrainedError'))).toEqual([]);
    play.tell({ type: 'devices', devices: [B] });
    expect(opens(play.wait(600_000))).toEqual([]);
    expect(play.life.state).toBe('lost');
    expect(opens(play.tell({ type: 'devices', devices: [A, B] }))).toEqual(['a']);
  });

  it('is left alone with the policy "never", until use()', () => {
    const play = Play.live({ reacquire: 'never' });
    expect(opens(play.end())).toEqual([]);
    expect(opens(play.tell({ type: 'devices', devices: [B] }))).toEqual([]);
    expect(opens(play.tell({ type: 'devices', devices: [A, B] }))).toEqual([]);
    expect(opens(play.wait(600_000))).toEqual([]);
    expect(play.life.state).toBe('lost');
    expect(opens(play.tell({ type: 'use', call: 1, deviceId: 'b' }))).toEqual(['b']);
  });

  it('each time right after opening is opened again less and less often', () => {
    const play = Play.live();
    play.end();
    const gaps: number[] = [];
    for (let i = 0; i < 5; i++) {
      play.take(A);
      play.end();
      gaps.push(play.life.dueMs - play.nowMs);
      play.wait(gaps.at(-1)!);
    }
    expect(gaps).toEqual([500, 1000, 2000, 4000, 8000]);
  });
});

describe('the default device', () => {
  it('is followed when it changes, without a gap', () => {
    const play = Play.live({ deviceId: null, devices: [defaultOf(A), A, B] });
    const changed = play.tell({ type: 'devices', devices: [defaultOf(B), A, B] });
    expect(opens(changed)).toEqual([null]);
    expect(of(changed, 'lose')).toEqual([]);
    play.take(defaultOf(B));
    expect(play.life.device).toEqual(defaultOf(B));
    expect(play.wait(600_000)).toEqual(NONE);
  });

  it('is the first in the list if the engine has no entry for it', () => {
    const play = Play.live({ deviceId: null, devices: [A, B] });
    expect(opens(play.tell({ type: 'devices', devices: [B, A] }))).toEqual([null]);
  });

  it('is not followed when the user has picked another device in the prompt', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: null });
    play.open(B);
    play.hear();
    play.tell({ type: 'devices', devices: [A, B] });
    play.wait(20_000);
    expect(opens(play.tell({ type: 'devices', devices: [C, A, B] }))).toEqual([]);
  });

  it('is not followed when another device was asked for', () => {
    const play = Play.live({ deviceId: 'a', devices: [defaultOf(A), A, B] });
    expect(opens(play.tell({ type: 'devices', devices: [defaultOf(B), A, B] }))).toEqual([]);
  });

  it('is not a monitor of an output if there is a microphone', () => {
    const monitor = { deviceId: 'm', groupId: '', label: 'Monitor of Speakers' };
    const play = Play.live({ deviceId: 'b', devices: [monitor, A, B] });
    expect(opens(play.tell({ type: 'devices', devices: [monitor, A] }))).toEqual(['a']);
    play.take(A);
    play.wait(20_000);
    const gone = play.tell({ type: 'devices', devices: [monitor] });
    expect(opens(gone)).toEqual([null]);
    expect(of(play.open(monitor), 'stop')).toHaveLength(1);
    expect(play.life.state).not.toBe('live');
  });
});

describe("the system's mute", () => {
  it('is waited for 5 s; then the device is opened again', () => {
    const play = Play.live();
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    expect(play.wait(4999)).toEqual(NONE);
    const late = play.wait(1);
    expect(of(late, 'lose')).toEqual([{ type: 'lose', cause: 'muted-by-system' }]);
    expect(opens(late)).toEqual(['a']);
    expect(play.life.state).toBe('lost');
  });

  it('that ends in time changes nothing', () => {
    const play = Play.live();
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    play.wait(4000);
    play.tell({ type: 'trackmute', request: play.connected, muted: false });
    expect(play.wait(60_000)).toEqual(NONE);
  });

  it('that ends later brings the same track back', () => {
    const play = Play.live();
    const { connected } = play;
    play.tell({ type: 'trackmute', request: connected, muted: true });
    play.wait(5000);
    expect(of(play.open(A, true), 'stop')).toHaveLength(1);
    const unmuted = play.tell({ type: 'trackmute', request: connected, muted: false });
    expect(of(unmuted, 'connect')).toEqual([{ type: 'connect', request: connected }]);
    expect(play.life.state).toBe('lost');
    play.hear();
    expect(play.life.state).toBe('live');
  });

  it('does not open another device in place of the muted one: that might hear more than it should', () => {
    const play = Play.live();
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    const asked = [...opens(play.wait(5000))];
    for (let i = 0; i < 5; i++) {
      play.refuse('NotReadableError');
      asked.push(...opens(play.wait(30_000)));
    }
    expect(new Set(asked)).toEqual(new Set(['a']));
  });

  it('ends with audible audio, even if the engine reports it later', () => {
    const play = Play.live();
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    play.wait(4000);
    play.tell({ type: 'silence', kind: null });
    expect(of(play.wait(60_000), 'lose')).toEqual([]);
  });

  it('is waited for half a second once the page has returned', () => {
    const play = Play.live();
    play.tell({ type: 'visible', visible: false });
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    play.wait(1000);
    play.tell({ type: 'visible', visible: true });
    expect(of(play.wait(499), 'lose')).toEqual([]);
    expect(of(play.wait(1), 'lose')).toHaveLength(1);
  });
});

describe('mute', () => {
  it('with keep "time" sends silence and keeps the device', () => {
    const play = Play.live();
    expect(play.tell({ type: 'mute', call: 1, keep: 'time' })).toEqual([
      { type: 'silence', on: true },
      { type: 'done', call: 1 },
      { type: 'state', state: 'muted' },
    ]);
    expect(play.wait(60_000)).toEqual(NONE);
    expect(play.tell({ type: 'unmute', call: 2 })).toEqual([
      { type: 'silence', on: false },
      { type: 'done', call: 2 },
      { type: 'state', state: 'live' },
    ]);
  });

  it('with keep "light" stops the track, and unmute is done when the device is heard again', () => {
    const play = Play.live();
    const before = play.connected;
    expect(play.tell({ type: 'mute', call: 1, keep: 'light' })).toEqual([
      { type: 'silence', on: true },
      { type: 'lose', cause: 'muted' },
      { type: 'stop', request: before },
      { type: 'done', call: 1 },
      { type: 'device', device: null },
      { type: 'state', state: 'muted' },
    ]);
    play.tell({ type: 'devices', devices: [B] });
    play.tell({ type: 'devices', devices: [A, B] });
    expect(play.wait(600_000)).toEqual(NONE);
    const unmuted = play.tell({ type: 'unmute', call: 2 });
    expect(opens(unmuted)).toEqual(['a']);
    expect(of(unmuted, 'done')).toEqual([]);
    expect(play.life.state).toBe('opening');
    expect(of(play.take(A), 'done')).toEqual([{ type: 'done', call: 2 }]);
  });

  it('with keep "light" during an opening stops that device when it has opened', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: 'a' });
    const muted = play.tell({ type: 'mute', call: 1, keep: 'light' });
    expect(of(muted, 'failed')).toEqual([{ type: 'failed', call: 0, reason: 'superseded' }]);
    expect(of(play.open(A), 'stop')).toHaveLength(1);
    expect(of(play.tell({ type: 'mute', call: 2, keep: 'light' }), 'done')).toHaveLength(1);
  });

  it('changes from "light" to "time": the device is opened and stays silent', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'light' });
    const kept = play.tell({ type: 'mute', call: 2, keep: 'time' });
    expect(opens(kept)).toEqual(['a']);
    expect(of(kept, 'silence')).toEqual([]);
    play.take(A);
    expect(play.life.state).toBe('muted');
    expect(play.life.device).toEqual(A);
  });

  it('keeps looking for a device that is lost meanwhile', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'time' });
    expect(opens(play.end())).toEqual(['a']);
    expect(play.life.state).toBe('muted');
  });

  it('ends with unmute, which fails if the device does not open, and the search continues', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'light' });
    play.tell({ type: 'unmute', call: 2 });
    play.refuse('NotReadableError');
    const refused = play.refuse('NotReadableError');
    expect(of(refused, 'failed')).toEqual([
      { type: 'failed', call: 2, reason: 'NotReadableError' },
    ]);
    expect(opens(play.wait(500))).toEqual(['a']);
  });
});

describe('a silent device', () => {
  it('is reported with its likely cause, and no longer when it is heard', () => {
    const play = Play.live();
    const silent = play.tell({ type: 'silence', kind: 'zeros' });
    expect(of(silent, 'silent')).toEqual([{ type: 'silent', cause: 'hardware-mute' }]);
    expect(of(silent, 'enumerate')).toHaveLength(1);
    const heard = play.tell({ type: 'silence', kind: null });
    expect(of(heard, 'silent')).toEqual([{ type: 'silent', cause: null }]);
  });

  it('is opened again once, and stays reported if it is still silent', () => {
    const play = Play.live();
    const silent = play.tell({ type: 'silence', kind: 'zeros' });
    expect(opens(silent)).toEqual(['a']);
    play.open(A);
    play.nowMs += 1000;
    expect(of(play.hear(), 'silent')).toEqual([]);
    play.nowMs += 3000;
    expect(opens(play.tell({ type: 'silence', kind: 'zeros' }))).toEqual([]);
    expect(opens(play.wait(600_000))).toEqual([]);
    expect(play.life.silent).toBe('hardware-mute');
  });

  it('with the faintest noise is reported and left alone: its track is not dead', () => {
    const play = Play.live();
    const silent = play.tell({ type: 'silence', kind: 'floor' });
    expect(of(silent, 'silent')).toEqual([{ type: 'silent', cause: 'hardware-mute' }]);
    expect(opens(play.wait(600_000))).toEqual([]);
  });

  it('is opened again by use(), which is done when it is heard', () => {
    const play = Play.live();
    play.tell({ type: 'silence', kind: 'floor' });
    const used = play.tell({ type: 'use', call: 1, deviceId: 'a' });
    expect(opens(used)).toEqual(['a']);
    expect(of(used, 'done')).toEqual([]);
    expect(of(play.take(A), 'done')).toEqual([{ type: 'done', call: 1 }]);
  });

  it('is opened again when the page returns, and later when that fails', () => {
    const play = Play.live();
    play.tell({ type: 'silence', kind: 'zeros' });
    play.refuse('InvalidStateError');
    expect(play.life.state).toBe('live');
    expect(opens(play.wait(29_999))).toEqual([]);
    expect(opens(play.wait(1))).toEqual(['a']);
    play.refuse('InvalidStateError');
    expect(opens(play.wait(10_000))).toEqual([]);
    expect(opens(play.tell({ type: 'visible', visible: true }))).toEqual(['a']);
  });

  it('is no longer silent if opening it again has helped', () => {
    const play = Play.live();
    play.tell({ type: 'silence', kind: 'zeros' });
    expect(of(play.take(A), 'silent')).toEqual([{ type: 'silent', cause: null }]);
  });

  it('is not reported while it is muted, but afterwards', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'time' });
    expect(of(play.tell({ type: 'silence', kind: 'zeros' }), 'silent')).toEqual([]);
    expect(of(play.tell({ type: 'unmute', call: 2 }), 'silent')).toHaveLength(1);
  });

  it('is no longer silent after use()', () => {
    const play = Play.live();
    play.tell({ type: 'silence', kind: 'zeros' });
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    expect(of(play.take(B), 'silent')).toEqual([{ type: 'silent', cause: null }]);
  });
});

describe('a device whose format changes, or a machine that slept', () => {
  it('is opened again, without a gap, at most every 10 s', () => {
    const play = Play.live();
    const changed = play.tell({ type: 'changed', request: play.connected });
    expect(opens(changed)).toEqual(['a']);
    expect(of(play.take(A), 'lose')).toEqual([]);
    expect(opens(play.tell({ type: 'changed', request: play.connected }))).toEqual([]);
    expect(opens(play.wait(9999))).toEqual([]);
    expect(opens(play.wait(1))).toEqual(['a']);
  });

  it('has its devices listed, and is opened again after a long sleep', () => {
    const play = Play.live();
    expect(play.tell({ type: 'woke', ms: 1000 })).toEqual([{ type: 'enumerate' }]);
    const woke = play.tell({ type: 'woke', ms: 60_000 });
    expect(opens(woke)).toEqual(['a']);
    expect(of(play.end(), 'lose')).toEqual([{ type: 'lose', cause: 'slept' }]);
  });

  it('keeps its timers when the wall clock is set back', () => {
    const play = Play.live();
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    play.nowMs -= 3_600_000;
    play.tell({ type: 'tick' });
    expect(play.life.dueMs - play.nowMs).toBe(5000);
    expect(of(play.wait(5000), 'lose')).toHaveLength(1);
  });
});
