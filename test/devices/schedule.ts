import type { MuteKeep, ReacquirePolicy } from '../../src/core/microphone/life-messages.ts';
import { seededRandom } from '../helpers/random.ts';

/** How engines differ, as far as a microphone notices. */
type Engine = 'chromium' | 'firefox' | 'webkit';

/** What the user does with a prompt. */
export type Answer = 'allow' | 'deny' | 'dismiss';

/** What is the same for the whole run. Each field has a plainest value, which {@link PLAIN} lists. */
export interface World {
  readonly seed: number;
  readonly engine: Engine;
  readonly policy: ReacquirePolicy;
  /** Devices that exist. The first one is the default at the start. */
  readonly devices: number;
  /** The last two devices have the same label. */
  readonly twins: boolean;
  /** The device that is asked for at the start: an index; null: the default; -1: one that is not there. */
  readonly wanted: number | null;
  readonly permission: 'granted' | 'prompt' | 'denied' | 'unavailable';
  /** Whether the engine tells the permission, and when it changes. */
  readonly tellsPermission: boolean;
  /** What the user answers to prompts, in turn, and after how long. */
  readonly answers: readonly Answer[];
  readonly answerMs: number;
  /** What a second track does to the first, or whether it is refused. */
  readonly secondTrack: 'shares' | 'refused' | 'ends' | 'mutes';
  /**
   * When `ended` comes after a plug was pulled: before `devicechange`, after it, or not at all. `'on-look'`: only once somebody
   * lists the devices; until then the track gives the audio of another device (Chromium 156 on Linux).
   */
  readonly endedOnUnplug: 'before' | 'after' | 'never' | 'on-look';
  /** Chromium's entry for the default: of the group of the device it stands for, or (Linux) always the same. */
  readonly defaultEntry: 'follows' | 'fixed';
  /** Firefox lists what outputs play as inputs, and opens that where there is no other. */
  readonly monitors: boolean;
  /** From the system's mute to the event, and back. */
  readonly muteLagMs: number;
  /** Whether the default comes first in the list, in engines that have no entry for it. */
  readonly listsDefaultFirst: boolean;
  /** What a hidden page does to tracks. */
  readonly hiding: 'nothing' | 'mutes' | 'ends';
  /** A hidden page's timers come at multiples of this. */
  readonly throttleMs: number;
  /** Usual time that an opening takes. */
  readonly openMs: number;
  readonly silenceMs: number;
  /** Whether the clock stands still while the machine sleeps. */
  readonly clockSleeps: boolean;
  /** Whether `woke` comes before the events that have gathered. */
  readonly wokeFirst: boolean;
}

export const PLAIN: Omit<World, 'seed'> = {
  engine: 'chromium',
  policy: 'any',
  devices: 2,
  twins: false,
  wanted: null,
  permission: 'granted',
  tellsPermission: true,
  answers: ['allow'],
  answerMs: 1000,
  secondTrack: 'shares',
  endedOnUnplug: 'before',
  defaultEntry: 'follows',
  monitors: false,
  muteLagMs: 0,
  listsDefaultFirst: true,
  hiding: 'nothing',
  throttleMs: 1000,
  openMs: 100,
  silenceMs: 3000,
  clockSleeps: false,
  wokeFirst: false,
};

/** So long lasts what never ends. */
export const FOREVER_MS = 1e9;

interface Span {
  readonly at: number;
  readonly for: number;
}

/** What happens to one device. */
interface DeviceSpan extends Span {
  readonly device: number;
}

/** What happens, from `at` on, `for` so many ms. */
export type Action =
  /** The plug is pulled. `newId`: the device has another id when it comes back. */
  | (DeviceSpan & { readonly kind: 'unplug'; readonly newId: boolean })
  /** A plug with a bad contact: the device comes and goes every `every` ms. */
  | (DeviceSpan & { readonly kind: 'flap'; readonly every: number })
  /** Becomes the system's default. */
  | (DeviceSpan & { readonly kind: 'default' })
  /** Another program has the device. `takes`: it takes it from us. */
  | (DeviceSpan & { readonly kind: 'busy'; readonly takes: boolean })
  /** A switch on the device: it delivers zeros. */
  | (DeviceSpan & { readonly kind: 'hardware-mute' })
  /** The system mutes its tracks. */
  | (DeviceSpan & { readonly kind: 'system-mute' })
  /** It loses contact for a moment: its tracks are dead, and nothing tells so. */
  | (DeviceSpan & { readonly kind: 'glitch' })
  /** Its format changes. */
  | (DeviceSpan & { readonly kind: 'profile' })
  /** Each opening is refused with this error. */
  | (Span & { readonly kind: 'refuse'; readonly name: string })
  /** Openings take so long. */
  | (Span & { readonly kind: 'slow'; readonly by: number })
  /** The user takes the permission back, and gives it again afterwards. */
  | (Span & { readonly kind: 'revoke'; readonly to: 'denied' | 'prompt' })
  | (Span & { readonly kind: 'hide' })
  | (Span & { readonly kind: 'freeze' })
  | (Span & { readonly kind: 'sleep' })
  /** The wall's clock is set. */
  | (Span & { readonly kind: 'clock'; readonly by: number })
  /** The audio context is suspended. */
  | (Span & { readonly kind: 'suspend' })
  /** `use()`: an index; null: the default; -1: a device that is not there. */
  | (Span & { readonly kind: 'use'; readonly device: number | null })
  /** `mute()`, and then `unmute()`. */
  | (Span & { readonly kind: 'mute'; readonly keep: MuteKeep })
  | (Span & { readonly kind: 'close' });

export interface Schedule {
  readonly world: World;
  readonly actions: readonly Action[];
}

/** Errors of engines that an opening may be refused with for a while. */
const ERRORS = [
  'NotReadableError',
  'AbortError',
  'NotAllowedError',
  'NotFoundError',
  'OverconstrainedError',
  'InvalidStateError',
  'SecurityError',
  'UnknownError',
] as const;

/** Plans the schedule of a seed. */
export function planSchedule(seed: number): Schedule {
  const random = seededRandom(seed * 7919 + 13);
  const int = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const chance = (ratio: number): boolean => random() < ratio;
  /** Small ones are frequent, large ones occur. */
  const skewed = (low: number, high: number): number =>
    Math.round(low * Math.pow(high / low, random()));

  const engine = pick<Engine>(['chromium', 'chromium', 'firefox', 'firefox', 'webkit']);
  const devices = pick([1, 1, 2, 2, 3, 4]);
  const anyDevice = (): number => int(0, devices - 1);
  const world: World = {
    seed,
    engine,
    policy: pick<ReacquirePolicy>(['any', 'any', 'any', 'same', 'never']),
    devices,
    twins: devices > 2 && chance(0.3),
    wanted: chance(0.5) ? null : chance(0.9) ? anyDevice() : -1,
    permission: chance(0.45)
      ? 'granted'
      : chance(0.85)
        ? 'prompt'
        : pick(['denied', 'unavailable']),
    tellsPermission: engine !== 'webkit' || chance(0.5),
    // Firefox asks for each device: the second prompt is the one that comes unexpected.
    answers: Array.from({ length: int(1, 3) }, (_, i) =>
      chance(i === 1 ? 0.4 : 0.75) ? 'allow' : pick<Answer>(['deny', 'dismiss']),
    ),
    answerMs: skewed(300, 30_000),
    secondTrack:
      engine === 'webkit'
        ? pick(['ends', 'mutes', 'mutes', 'shares'])
        : pick(['shares', 'shares', 'shares', 'refused']),
    endedOnUnplug: pick(
      engine === 'chromium'
        ? ['before', 'after', 'never', 'on-look', 'on-look']
        : ['before', 'after', 'after', 'never'],
    ),
    defaultEntry: engine === 'chromium' ? pick(['follows', 'fixed']) : 'follows',
    monitors: engine === 'firefox' && chance(0.4),
    muteLagMs: pick([0, 20, 500]),
    listsDefaultFirst: chance(0.7),
    hiding: engine === 'webkit' ? pick(['nothing', 'mutes', 'ends']) : 'nothing',
    throttleMs: chance(0.8) ? 1000 : 60_000,
    openMs: skewed(5, 2000),
    silenceMs: pick([1000, 3000, 5000]),
    clockSleeps: chance(0.3),
    wokeFirst: chance(0.5),
  };

  const actions: Action[] = [];
  const count = int(1, 20);
  const lastAt = skewed(4000, 120_000);
  const length = (): number => (chance(0.12) ? FOREVER_MS : skewed(20, 60_000));
  for (let i = 0; i < count; i++) {
    // Things that happen at the same time, or just after each other, are what goes wrong.
    const before = actions.at(-1);
    const at =
      before !== undefined && chance(0.4)
        ? before.at + (before.for < 1e6 && chance(0.4) ? before.for : 0) + skewed(1, 2000)
        : int(0, lastAt);
    actions.push(planAction(at));
  }
  return { world, actions: actions.toSorted((a, b) => a.at - b.at) };

  function planAction(at: number): Action {
    const device = anyDevice();
    switch (int(0, 25)) {
      case 0:
      case 1:
      case 2: {
        const ms = chance(0.3) ? int(5, 900) : length();
        return { kind: 'unplug', at, for: ms, device, newId: chance(0.3) };
      }
      case 3:
        // Not in step with the audio thread's model.
        return { kind: 'flap', at, for: skewed(1000, 60_000), device, every: skewed(40, 3000) | 1 };
      case 4:
      case 5:
        return { kind: 'default', at, for: 0, device };
      case 6:
      case 7:
        return { kind: 'busy', at, for: length(), device, takes: chance(0.5) };
      case 8:
        return { kind: 'hardware-mute', at, for: length(), device };
      case 9:
      case 10:
        return { kind: 'system-mute', at, for: length(), device };
      case 11:
        return chance(0.6)
          ? { kind: 'profile', at, for: 0, device }
          : { kind: 'clock', at, for: 0, by: (chance(0.5) ? -1 : 1) * skewed(100, 4e6) };
      case 12:
        return { kind: 'refuse', at, for: skewed(100, 40_000), name: pick(ERRORS) };
      case 13:
        return { kind: 'slow', at, for: skewed(100, 40_000), by: skewed(100, 90_000) };
      case 14:
        return { kind: 'revoke', at, for: length(), to: pick(['denied', 'prompt']) };
      case 15:
        return { kind: 'hide', at, for: skewed(200, 120_000) };
      case 16:
        return {
          kind: pick(['freeze', 'sleep']),
          at,
          for: skewed(200, 600_000),
        };
      case 17:
        return { kind: 'suspend', at, for: skewed(100, 30_000) };
      case 18:
      case 19:
        return {
          kind: 'use',
          at,
          for: 0,
          device: chance(0.2) ? null : chance(0.95) ? device : -1,
        };
      case 20:
        return { kind: 'mute', at, for: length(), keep: pick(['time', 'light']) };
      case 21:
      case 22:
        return { kind: 'glitch', at, for: 0, device };
      case 23:
        return { kind: 'default', at, for: 0, device };
      case 24:
        return { kind: 'flap', at, for: skewed(1000, 60_000), device, every: skewed(40, 1000) | 1 };
      default:
        return chance(0.2) ? { kind: 'close', at, for: 0 } : { kind: 'use', at, for: 0, device };
    }
  }
}
