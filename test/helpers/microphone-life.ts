import { expect } from 'vitest';
import type {
  InputDevice,
  LifeAction,
  LifeEvent,
  ReacquirePolicy,
} from '../../src/core/microphone/life-messages.ts';
import { MicrophoneLife } from '../../src/core/microphone/microphone-life.ts';

export const NONE: readonly LifeAction[] = [];

function device(name: string): InputDevice {
  return { deviceId: name, groupId: `group-${name}`, label: `Microphone ${name}` };
}

export const A = device('a');
export const B = device('b');
export const C = device('c');

/** As Chromium lists it. */
export function defaultOf({ groupId, label }: InputDevice): InputDevice {
  return { deviceId: 'default', groupId, label: `Default - ${label}` };
}

interface LiveOptions {
  readonly deviceId?: string | null;
  readonly reacquire?: ReacquirePolicy;
  readonly devices?: readonly InputDevice[];
}

/** Tells a microphone what happens, and follows what it does. */
export class Play {
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

export function opens(actions: readonly LifeAction[]): readonly (string | null)[] {
  return actions.flatMap((action) => (action.type === 'open' ? [action.deviceId] : []));
}

export function of<T extends LifeAction['type']>(actions: readonly LifeAction[], type: T) {
  return actions.filter((action) => action.type === type) as Extract<LifeAction, { type: T }>[];
}
