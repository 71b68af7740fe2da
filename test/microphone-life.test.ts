import { describe, expect, it } from 'vitest';
import { OpenBudget, backOffMs } from '../src/core/microphone/back-off.ts';
import type {
  InputDevice,
  LifeAction,
  LifeEvent,
  ReacquirePolicy,
} from '../src/core/microphone/life-messages.ts';
import { MicrophoneLife } from '../src/core/microphone/microphone-life.ts';

const NONE: readonly LifeAction[] = [];

function device(name: string): InputDevice {
  return { deviceId: name, groupId: `group-${name}`, label: `Microphone ${name}` };
}

const A = device('a');
const B = device('b');
const C = device('c');

/** As Chromium lists it. */
function defaultOf({ groupId, label }: InputDevice): InputDevice {
  return { deviceId: 'default', groupId, label: `Default - ${label}` };
}

interface LiveOptions {
  readonly deviceId?: string | null;
  readonly reacquire?: ReacquirePolicy;
  readonly devices?: readonly InputDevice[];
}

/** Tells a microphone what happens, and follows what it does. */
class Play {
  readonly life: MicrophoneLife;
  nowMs = 1000;
  /** What was opened and connected last. */
  asked = { request: 0, deviceId: null as string | null };
  connected = 0;

  constructor(reacquire: ReacquirePolicy = 'any') {
    this.life = new MicrophoneLife({ reacquire, silenceMs: 3000 });
  }

  /** A microphone in use for a while. */
  static live({ deviceId = 'a', reacquire, devices = [A, B] }: LiveOptions = {}): Play {
    const play = new Play(reacquire);
    play.tell({ type: 'start', deviceId });
    play.tell({ type: 'permission', permission: 'granted' });
    play.tell({ type: 'devices', devices });
    play.take(devices.find((other) => other.deviceId === (deviceId ?? 'default')) ?? devices[0]!);
    play.wait(20_000);
    expect(play.life.state).toBe('live');
    return play;
  }

  tell(event: LifeEvent): readonly LifeAction[] {
    const actions = this.life.handle(event, this.nowMs);
    for (const action of actions) {
      if (action.type === 'open') this.asked = action;
      if (action.type === 'connect') this.connected = action.request;
    }
    return actions;
  }

  /** Lets time pass, with the ticks that are due. @returns what was done meanwhile */
  wait(ms: number): readonly LifeAction[] {
    const end = this.nowMs + ms;
    const actions: LifeAction[] = [];
    while (this.life.dueMs <= end) {
      this.nowMs = Math.max(this.nowMs, this.life.dueMs);
      actions.push(...this.tell({ type: 'tick' }));
    }
    this.nowMs = end;
    return actions;
  }

  /** Answers the last `open` with a track of this device. */
  open(of: InputDevice, muted = false): readonly LifeAction[] {
    return this.tell({ type: 'opened', track: { request: this.asked.request, ...of, muted } });
  }

  refuse(name: string): readonly LifeAction[] {
    return this.tell({ type: 'refused', request: this.asked.request, name });
  }

  /** The track that was connected last is heard. */
  hear(): readonly LifeAction[] {
    return this.tell({ type: 'heard', request: this.connected });
  }

  /** Answers the last `open` with a track that is heard. */
  take(of: InputDevice): readonly LifeAction[] {
    this.open(of);
    this.nowMs += 20;
    return this.hear();
  }

  /** The track in use ends. */
  end(): readonly LifeAction[] {
    return this.tell({ type: 'ended', request: this.connected });
  }
}

function opens(actions: readonly LifeAction[]): readonly (string | null)[] {
  return actions.flatMap((action) => (action.type === 'open' ? [action.deviceId] : []));
}

function of<T extends LifeAction['type']>(actions: readonly LifeAction[], type: T) {
  return actions.filter((action) => action.type === type) as Extract<LifeAction, { type: T }>[];
}

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

  it('takes an empty id and "default" for the default', () => {
    for (const deviceId of ['', 'default', null]) {
      expect(opens(new Play().tell({ type: 'start', deviceId }))).toEqual([null]);
    }
  });

  it('takes the default where the device is not there, and the device as soon as it is', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: 'b' });
    play.tell({ type: 'devices', devices: [A] });
    expect(opens(play.refuse('OverconstrainedError'))).toEqual([null]);
    expect(of(play.take(A), 'done')).toEqual([{ type: 'done', call: 0 }]);
    play.wait(60_000);
    expect(opens(play.tell({ type: 'devices', devices: [A, B] }))).toEqual(['b']);
  });

  it('counts as done when nothing is heard for three seconds: the context may be suspended', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: null });
    play.open(A);
    expect(play.wait(2999)).toEqual(NONE);
    expect(of(play.wait(1), 'done')).toEqual([{ type: 'done', call: 0 }]);
    expect(play.life.state).toBe('live');
  });

  it('fails without opening anything where the page cannot even ask', () => {
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

  it('that was taken back ends in blocked, whichever is told first', () => {
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

  it('that nobody tells is what the answers show', () => {
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

  it('that was refused a prompt refuses the call behind it too', () => {
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

  it('is tried again, more and more seldom, and never given up', () => {
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

  it('is no storm, though the devices change all the time', () => {
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

  it('has 20 s from the moment on at which no prompt can hold it up any more', () => {
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

  it('has 20 s from the return to the page on: some engines wait for that', () => {
    const play = Play.live();
    play.tell({ type: 'visible', visible: false });
    play.end();
    expect(play.wait(60_000)).toEqual(NONE);
    play.tell({ type: 'visible', visible: true });
    expect(play.wait(19_999)).toEqual(NONE);
    expect(opens(play.wait(1))).toEqual([null]);
  });

  it('has failed without an answer after 20 s, and a late answer is still taken', () => {
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
  it('opens the new device before the old one is let go', () => {
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

  it('lets the old device go where the system opens only one', () => {
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

  it('fails and leaves the old device alone when the new one is not there, or not allowed', () => {
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

  it('that was superseded may fail late: that is not the answer to the one after it', () => {
    const play = Play.live({ devices: [A, B, C] });
    play.tell({ type: 'use', call: 1, deviceId: 'b' });
    const first = play.asked.request;
    play.tell({ type: 'use', call: 2, deviceId: 'c' });
    const late = { type: 'refused', request: first, name: 'NotFoundError' } as const;
    expect(play.tell(late)).toEqual(NONE);
    expect(of(play.take(C), 'done')).toEqual([{ type: 'done', call: 2 }]);
  });

  it('that is superseded while its track is connected goes back to the one in use', () => {
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

  it('of the device in use is done at once', () => {
    const play = Play.live();
    expect(play.tell({ type: 'use', call: 1, deviceId: 'a' })).toEqual([{ type: 'done', call: 1 }]);
  });

  it('continues where the system ends the old device for the new one, as iOS does', () => {
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

  it('while the light is out is done later: nothing is opened to try', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'light' });
    expect(play.tell({ type: 'use', call: 2, deviceId: 'c' })).toEqual([
      { type: 'failed', call: 2, reason: 'NotFoundError' },
    ]);
    expect(play.tell({ type: 'use', call: 3, deviceId: 'b' })).toEqual([{ type: 'done', call: 3 }]);
    expect(opens(play.tell({ type: 'unmute', call: 4 }))).toEqual(['b']);
  });
});

describe('a device that is lost', () => {
  it('is opened again, and told as missing until it is heard', () => {
    const play = Play.live();
    const ended = play.end();
    expect(of(ended, 'lose')).toEqual([{ type: 'lose', cause: 'ended' }]);
    expect(opens(ended)).toEqual(['a']);
    expect(play.life.state).toBe('lost');
    expect(play.life.device).toBeNull();
    play.take(A);
    expect(play.life.state).toBe('live');
  });

  it('without an event is missed in the list', () => {
    const play = Play.live({ devices: [defaultOf(B), A, B] });
    const gone = play.tell({ type: 'devices', devices: [defaultOf(B), B] });
    expect(of(gone, 'lose')).toEqual([{ type: 'lose', cause: 'ended' }]);
    expect(opens(gone)).toEqual([null]);
  });

  it('is not missed in a list without ids, as browsers give without permission', () => {
    const play = Play.live();
    const list = [{ deviceId: '', groupId: '', label: '' }];
    expect(opens(play.tell({ type: 'devices', devices: list }))).toEqual([]);
    expect(play.life.state).toBe('live');
  });

  it('is known by its label and group when it comes back with another id', () => {
    const play = Play.live({ devices: [A, B] });
    play.tell({ type: 'devices', devices: [B] });
    play.take(B);
    expect(play.wait(60_000)).toEqual(NONE);
    const again = { ...A, deviceId: 'a2' };
    expect(opens(play.tell({ type: 'devices', devices: [again, B] }))).toEqual(['a2']);
  });

  it('is replaced by the default, and taken again when it comes back, without a gap', () => {
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

  it('and taken by another program leaves the default in use, also when that changes', () => {
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

  it('each time right after it was opened is opened again less and less often', () => {
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

  it('is the first in the list where the engine has no entry for it', () => {
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

  it('is no monitor of an output, where there is a microphone', () => {
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

  it('puts no other device in place of the muted one: that might hear what it should not', () => {
    const play = Play.live();
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    const asked = [...opens(play.wait(5000))];
    for (let i = 0; i < 5; i++) {
      play.refuse('NotReadableError');
      asked.push(...opens(play.wait(30_000)));
    }
    expect(new Set(asked)).toEqual(new Set(['a']));
  });

  it('ends with audio that is heard, though the engine tells it later', () => {
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

  it('that lets the light go out while a device is opened stops that one when it comes', () => {
    const play = new Play();
    play.tell({ type: 'start', deviceId: 'a' });
    const muted = play.tell({ type: 'mute', call: 1, keep: 'light' });
    expect(of(muted, 'failed')).toEqual([{ type: 'failed', call: 0, reason: 'superseded' }]);
    expect(of(play.open(A), 'stop')).toHaveLength(1);
    expect(of(play.tell({ type: 'mute', call: 2, keep: 'light' }), 'done')).toHaveLength(1);
  });

  it('goes from the light to the time: the device is opened and stays silent', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'light' });
    const kept = play.tell({ type: 'mute', call: 2, keep: 'time' });
    expect(opens(kept)).toEqual(['a']);
    expect(of(kept, 'silence')).toEqual([]);
    play.take(A);
    expect(play.life.state).toBe('muted');
    expect(play.life.device).toEqual(A);
  });

  it('keeps a device that is lost meanwhile in sight', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'time' });
    expect(opens(play.end())).toEqual(['a']);
    expect(play.life.state).toBe('muted');
  });

  it('ends with unmute, which fails when the device does not open, and the search continues', () => {
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
  it('is told with its likely cause, and not any more when it is heard', () => {
    const play = Play.live();
    const silent = play.tell({ type: 'silence', kind: 'zeros' });
    expect(of(silent, 'silent')).toEqual([{ type: 'silent', cause: 'hardware-mute' }]);
    expect(of(silent, 'enumerate')).toHaveLength(1);
    const heard = play.tell({ type: 'silence', kind: null });
    expect(of(heard, 'silent')).toEqual([{ type: 'silent', cause: null }]);
  });

  it('is opened again once, and told without a break when it is silent all the same', () => {
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

  it('that gives the faintest noise is told and left alone: its track is not dead', () => {
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

  it('is not silent any more when opening it again has helped', () => {
    const play = Play.live();
    play.tell({ type: 'silence', kind: 'zeros' });
    expect(of(play.take(A), 'silent')).toEqual([{ type: 'silent', cause: null }]);
  });

  it('is not told while it is muted, and told after that', () => {
    const play = Play.live();
    play.tell({ type: 'mute', call: 1, keep: 'time' });
    expect(of(play.tell({ type: 'silence', kind: 'zeros' }), 'silent')).toEqual([]);
    expect(of(play.tell({ type: 'unmute', call: 2 }), 'silent')).toHaveLength(1);
  });

  it('is another one after use()', () => {
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

  it('keeps its time when the clock of the wall is set back', () => {
    const play = Play.live();
    play.tell({ type: 'trackmute', request: play.connected, muted: true });
    play.nowMs -= 3_600_000;
    play.tell({ type: 'tick' });
    expect(play.life.dueMs - play.nowMs).toBe(5000);
    expect(of(play.wait(5000), 'lose')).toHaveLength(1);
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

describe('the budget of openings', () => {
  it('allows a burst, then one every 5 s', () => {
    const budget = new OpenBudget();
    for (let i = 0; i < 8; i++) {
      expect(budget.nextMs(1000)).toBe(1000);
      budget.take(1000);
    }
    expect(budget.nextMs(1000)).toBe(6000);
    expect(budget.nextMs(6000)).toBe(6000);
    budget.giveBack();
    expect(budget.nextMs(1000)).toBe(1000);
  });

  it('goes with delays that grow up to 30 s', () => {
    expect([1, 2, 3, 7, 100].map(backOffMs)).toEqual([500, 1000, 2000, 30_000, 30_000]);
  });
});
