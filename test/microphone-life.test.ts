import { describe, expect, it } from 'vitest';
import { Plans } from '../src/core/microphone/plans.ts';
import { A, B, C, NONE, Play, defaultOf, of, opens } from './helpers/microphone-life.ts';

describe('the start of a microphone', () => {
  it('opens the device that was asked for, and is done when it is heard', () => {
    const play = new Play();
    expect(opens(play.tell({ type: 'start', deviceId: 'b' }))).toEqual(['b']);
    expect(play.life.state).toBe('opening');
    expect(of(play.open(B), 'connect')).toHaveLength(1);
    expect(play.life.permission).toBe('granted');
    expect(play.hear()).toEqual([
      { type: 'done', call: 0 },
      { type: 'device', device: B },
      { type: 'state', state: 'live' },
    ]);
  });

  it('opens the default for an empty id and for "default"', () => {
    for (const deviceId of ['', 'default', null]) {
      expect(opens(new Play().tell({ type: 'start', deviceId }))).toEqual([null]);
    }
  });

  it('opens the default if the device is missing, and the device as soon as it appears', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: 'b' });
    play.tell({ type: 'devices', devices: [A] });
    expect(opens(play.refuse('OverconstrainedError'))).toEqual([null]);
    expect(of(play.take(A), 'done')).toEqual([{ type: 'done', call: 0 }]);
    play.wait(60_000);
    expect(opens(play.tell({ type: 'devices', devices: [A, B] }))).toEqual(['b']);
  });

  it('resolves if the device is silent for three seconds: the context may be suspended', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: null });
    play.open(A);
    expect(play.wait(2999)).toEqual(NONE);
    expect(of(play.wait(1), 'done')).toEqual([{ type: 'done', call: 0 }]);
    expect(play.life.state).toBe('live');
  });

  it('fails without opening anything if the page cannot even ask', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'unavailable' });
    const actions = play.tell({ type: 'start', deviceId: null });
    expect(opens(actions)).toEqual([]);
    expect(of(actions, 'failed')).toEqual([{ type: 'failed', call: 0, reason: 'unavailable' }]);
    expect(play.life.state).toBe('blocked');
  });
});

describe('the permission', () => {
  it('that is denied blocks, until it is granted: then the device is opened at once', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'prompt' });
    play.tell({ type: 'start', deviceId: null });
    const refused = play.refuse('NotAllowedError');
    expect(of(refused, 'failed')).toEqual([{ type: 'failed', call: 0, reason: 'NotAllowedError' }]);
    expect(play.life.state).toBe('blocked');
    expect(play.life.blockedBy).toBe('NotAllowedError');
    expect(play.life.dueMs).toBe(Infinity);
    play.tell({ type: 'permission', permission: 'denied' });
    expect(opens(play.tell({ type: 'devices', devices: [A] }))).toEqual([]);
    expect(opens(play.tell({ type: 'permission', permission: 'granted' }))).toEqual([null]);
    expect(play.life.state).toBe('opening');
  });

  it('that was revoked leads to blocked, in either order of the events', () => {
    for (const isTrackFirst of [true, false]) {
      const play = Play.live();
      const revoke = () => play.tell({ type: 'permission', permission: 'denied' });
      if (!isTrackFirst) revoke();
      play.end();
      if (isTrackFirst) {
        revoke();
        play.refuse('NotAllowedError');
      }
      expect(play.life.state).toBe('blocked');
      expect(opens(play.wait(600_000))).toEqual([]);
      expect(opens(play.tell({ type: 'permission', permission: 'granted' }))).toEqual(['a']);
    }
  });

  it('that the system withholds is asked for again twice a minute, without a prompt', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'granted' });
    play.tell({ type: 'start', deviceId: null });
    play.refuse('NotAllowedError');
    expect(play.life.state).toBe('blocked');
    expect(opens(play.wait(29_999))).toEqual([]);
    expect(opens(play.wait(1))).toEqual([null]);
  });

  it('without a status is inferred from the answers', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: null });
    expect(play.life.permission).toBe('prompt');
    play.refuse('NotAllowedError');
    expect(play.life.permission).toBe('denied');
    expect(opens(play.tell({ type: 'use', call: 1, deviceId: null }))).toEqual([null]);
    play.take(A);
    expect(play.life.permission).toBe('granted');
    play.end();
    expect(play.life.permission).toBe('granted');
  });

  it('is not asked for again when the user has refused, until a call asks', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'prompt' });
    play.tell({ type: 'start', deviceId: null });
    play.refuse('NotAllowedError');
    expect(opens(play.tell({ type: 'visible', visible: false }))).toEqual([]);
    expect(opens(play.tell({ type: 'visible', visible: true }))).toEqual([]);
    expect(opens(play.tell({ type: 'woke', ms: 60_000 }))).toEqual([]);
    expect(opens(play.tell({ type: 'use', call: 1, deviceId: 'a' }))).toEqual(['a']);
  });

  it('is asked for one prompt at a time', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'prompt' });
    play.tell({ type: 'start', deviceId: null });
    expect(opens(play.tell({ type: 'use', call: 1, deviceId: 'b' }))).toEqual([]);
    const answered = play.open(A);
    expect(of(answered, 'stop')).toHaveLength(1);
    expect(opens(answered)).toEqual(['b']);
  });

  it('that was denied in a prompt also fails the call behind it', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'prompt' });
    play.tell({ type: 'start', deviceId: null });
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    const refused = play.refuse('NotAllowedError');
    expect(of(refused, 'failed')).toEqual([
      { type: 'failed', call: 1, reason: 'NotAllowedError' },
      { type: 'failed', call: 0, reason: 'NotAllowedError' },
    ]);
    expect(opens(refused)).toEqual([]);
  });
});

describe('an opening that is refused', () => {
  it.each([
    ['NotReadableError', 'lost'],
    ['AbortError', 'lost'],
    ['OverconstrainedError', 'blocked'],
    ['NotFoundError', 'blocked'],
    ['InvalidStateError', 'lost'],
    ['NotAllowedError', 'blocked'],
    ['SecurityError', 'blocked'],
    ['TypeError', 'blocked'],
    ['AnotherError', 'lost'],
  ])('with %s leads to %s', (name, state) => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: null });
    expect(of(play.refuse(name), 'failed')).toEqual([{ type: 'failed', call: 0, reason: name }]);
    expect(play.life.state).toBe(state);
    expect(play.life.failedBy).toBe(name);
  });

  it('is tried again, less and less often, and never given up', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'granted' });
    play.tell({ type: 'start', deviceId: null });
    const gaps: number[] = [];
    for (let i = 0; i < 12; i++) {
      play.refuse('NotReadableError');
      gaps.push(play.life.dueMs - play.nowMs);
      expect(opens(play.wait(gaps.at(-1)!))).toEqual([null]);
    }
    expect(gaps.slice(0, 3)).toEqual([500, 1000, 2000]);
    expect(gaps.slice(-4)).toEqual([30_000, 30_000, 30_000, 30_000]);
  });

  it('is tried again at once when the devices change', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'granted' });
    play.tell({ type: 'start', deviceId: null });
    play.refuse('NotFoundError');
    expect(opens(play.tell({ type: 'devices', devices: [A] }))).toEqual([null]);
  });

  it('is not repeated in a storm, even if the devices change all the time', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'granted' });
    play.tell({ type: 'start', deviceId: null });
    let count = 0;
    for (let i = 0; i < 600; i++) {
      play.refuse('NotReadableError');
      count += opens(play.tell({ type: 'devices', devices: i % 2 === 0 ? [A] : [A, B] })).length;
      count += opens(play.wait(100)).length;
    }
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThan(24);
  });

  it('has 20 s from the moment when no prompt can delay it any more', () => {
    const play = new Play();
    play.tell({ type: 'permission', permission: 'prompt' });
    play.tell({ type: 'start', deviceId: null });
    expect(play.wait(60_000)).toEqual(NONE);
    play.tell({ type: 'permission', permission: 'granted' });
    expect(play.wait(19_999)).toEqual(NONE);
    expect(of(play.wait(1), 'failed')).toEqual([
      { type: 'failed', call: 0, reason: 'TimeoutError' },
    ]);
  });

  it('has 20 s from the return to the page: some engines wait for that', () => {
    const play = Play.live();
    play.tell({ type: 'visible', visible: false });
    play.end();
    expect(play.wait(60_000)).toEqual(NONE);
    play.tell({ type: 'visible', visible: true });
    expect(play.wait(19_999)).toEqual(NONE);
    expect(opens(play.wait(1))).toEqual([null]);
  });

  it('has failed without an answer after 20 s, and a late answer is still accepted', () => {
    const play = Play.live({ deviceId: null, devices: [defaultOf(A), A] });
    play.end();
    const { request } = play.asked;
    expect(of(play.wait(20_000), 'open')).toHaveLength(0);
    expect(play.life.failedBy).toBe('TimeoutError');
    const track = { request, ...defaultOf(A), muted: false };
    expect(of(play.tell({ type: 'opened', track }), 'connect')).toEqual([
      { type: 'connect', request },
    ]);
  });
});

describe('use', () => {
  it('opens the new device before the old one is released', () => {
    const play = Play.live();
    const before = play.connected;
    expect(opens(play.tell({ type: 'use', call: 1, deviceId: 'b' }))).toEqual(['b']);
    const connected = play.open(B);
    expect(of(connected, 'stop')).toEqual([]);
    expect(of(connected, 'lose')).toEqual([]);
    expect(play.hear()).toEqual([
      { type: 'stop', request: before },
      { type: 'done', call: 1 },
      { type: 'device', device: B },
    ]);
    expect(play.life.wantedDeviceId).toBe('b');
  });

  it('releases the old device first if the system opens only one', () => {
    const play = Play.live();
    const before = play.connected;
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    const refused = play.refuse('NotReadableError');
    expect(refused.slice(0, 2)).toEqual([
      { type: 'lose', cause: 'switched' },
      { type: 'stop', request: before },
    ]);
    expect(opens(refused)).toEqual(['b']);
    expect(of(play.take(B), 'done')).toEqual([{ type: 'done', call: 1 }]);
  });

  it('opens the old device again when the new one does not open', () => {
    const play = Play.live();
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    play.refuse('AbortError');
    const refused = play.refuse('NotReadableError');
    expect(of(refused, 'failed')).toEqual([
      { type: 'failed', call: 1, reason: 'NotReadableError' },
    ]);
    expect(opens(refused)).toEqual(['a']);
    play.take(A);
    expect(play.life.device).toEqual(A);
    expect(play.life.wantedDeviceId).toBe('a');
  });

  it('fails and keeps the old device if the new one is missing, or not allowed', () => {
    for (const name of ['NotFoundError', 'OverconstrainedError', 'NotAllowedError']) {
      const play = Play.live();
      play.tell({ type: 'use', call: 1, deviceId: 'c' });
      expect(play.refuse(name)).toEqual([{ type: 'failed', call: 1, reason: name }]);
      expect(play.life.state).toBe('live');
      expect(play.life.device).toEqual(A);
      expect(play.wait(600_000)).toEqual(NONE);
    }
  });

  it('that is followed by another one is superseded, and its track stopped', () => {
    const play = Play.live({ devices: [A, B, C] });
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    const first = play.asked.request;
    const second = play.tell({ type: 'use', call: 2, deviceId: 'c' });
    expect(of(second, 'failed')).toEqual([{ type: 'failed', call: 1, reason: 'superseded' }]);
    expect(opens(second)).toEqual(['c']);
    const late = play.tell({ type: 'opened', track: { request: first, ...B, muted: false } });
    expect(late).toEqual([{ type: 'stop', request: first }]);
    expect(of(play.take(C), 'done')).toEqual([{ type: 'done', call: 2 }]);
  });

  it('that was superseded may fail late, without failing the one after it', () => {
    const play = Play.live({ devices: [A, B, C] });
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    const first = play.asked.request;
    play.tell({ type: 'use', call: 2, deviceId: 'c' });
    const late = { type: 'refused', request: first, name: 'NotFoundError' } as const;
    expect(play.tell(late)).toEqual(NONE);
    expect(of(play.take(C), 'done')).toEqual([{ type: 'done', call: 2 }]);
  });

  it('that is superseded while its track is connected returns to the one in use', () => {
    const play = Play.live({ devices: [A, B, C] });
    const before = play.connected;
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    play.open(B);
    const connected = play.connected;
    const actions = play.tell({ type: 'use', call: 2, deviceId: 'a' });
    expect(actions).toEqual([
      { type: 'connect', request: before },
      { type: 'stop', request: connected },
      { type: 'failed', call: 1, reason: 'superseded' },
      { type: 'done', call: 2 },
    ]);
  });

  it('of the device in use resolves at once', () => {
    const play = Play.live();
    expect(play.tell({ type: 'use', call: 1, deviceId: 'a' })).toEqual([{ type: 'done', call: 1 }]);
  });

  it('continues if the system ends the old device for the new one, as iOS does', () => {
    const play = Play.live();
    const before = play.connected;
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    play.open(B);
    const ended = play.tell({ type: 'ended', request: before });
    expect(ended.slice(0, 3)).toEqual([
      { type: 'lose', cause: 'ended' },
      { type: 'connect', request: play.connected },
      { type: 'stop', request: before },
    ]);
    expect(opens(ended)).toEqual([]);
    expect(of(play.hear(), 'done')).toEqual([{ type: 'done', call: 1 }]);
  });

  it('while the light is out resolves without opening the device', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'light' });
    expect(play.tell({ type: 'use', call: 2, deviceId: 'c' })).toEqual([
      { type: 'failed', call: 2, reason: 'NotFoundError' },
    ]);
    expect(play.tell({ type: 'use', call: 3, deviceId: 'b' })).toEqual([{ type: 'done', call: 3 }]);
    expect(opens(play.tell({ type: 'unmute', call: 4 }))).toEqual(['b']);
  });
});

describe('close', () => {
  it('stops the tracks and settles the calls', () => {
    const play = Play.live();
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    const first = play.connected;
    play.open(B);
    const second = play.connected;
    const closed = play.tell({ type: 'close' });
    expect(of(closed, 'stop').map(({ request }) => request)).toEqual([second, first]);
    expect(of(closed, 'failed')).toEqual([{ type: 'failed', call: 1, reason: 'closed' }]);
    expect(play.life.state).toBe('closed');
    expect(play.life.dueMs).toBe(Infinity);
  });

  it('stops a track that opens later, and refuses later calls', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: null });
    play.tell({ type: 'close' });
    expect(play.open(A)).toEqual([{ type: 'stop', request: play.asked.request }]);
    expect(play.tell({ type: 'use', call: 1, deviceId: 'a' })).toEqual([
      { type: 'failed', call: 1, reason: 'closed' },
    ]);
    expect(play.tell({ type: 'devices', devices: [A] })).toEqual(NONE);
    expect(play.tell({ type: 'close' })).toEqual(NONE);
  });
});

describe('the delays between rounds of opening', () => {
  it('grow up to 30 s', () => {
    const plans = new Plans();
    const delays = Array.from({ length: 100 }, () => {
      plans.retryLater(0);
      return plans.retryAtMs;
    });
    const told = [1, 2, 3, 7, 100].map((round) => delays[round - 1]);
    expect(told).toEqual([500, 1000, 2000, 30_000, 30_000]);
  });
});
