import type { ServiceMute } from '../../src/core/services/service.ts';
import { seededRandom } from '../helpers/random.ts';
import type { NetworkWorld, Noticed } from './network.ts';
import { SAMPLE_RATE, replaySpeedOf } from './recovery.ts';

/** What is the same for the whole run. Each field has a plainest value, which {@link PLAIN} lists. */
export interface World extends NetworkWorld {
  readonly seed: number;
  /** Our own protocol, or a service that acknowledges nothing. */
  readonly service: 'micwire' | 'silent';
  readonly format: 's16' | 'mulaw' | 'opus';
  readonly chunkMs: number;
  readonly muteAs: ServiceMute;
  readonly replaySpeed: number;
  /** Of the service that acknowledges nothing. */
  readonly overlapMs: number;
  readonly readyOnOpen: boolean;
  readonly halfDuplex: boolean;
  readonly maxOutboxMs: number;
  readonly maxOutboxBytes: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly connectTimeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly stallMs: number;
  /** Time that the app's functions usually take. */
  readonly tokenMs: number;
  /** Time that the server thinks before it says welcome. */
  readonly welcomeMs: number;
  /** The server acknowledges what it has stored, each so many ms; 0: what it has received. */
  readonly storeMs: number;
  /** The server forgets a session whose client was away for so long. */
  readonly expireMs: number;
  /** The server keeps so much of its replies. */
  readonly maxReplyMs: number;
  /** From the session's wish that the player be silent until its answer. */
  readonly silenceMs: number;
  /** Whether the client's clock stands still while its machine sleeps. */
  readonly clockSleeps: boolean;
  /** Timers come so much too late, at most; negative: too early, as engines round. */
  readonly timerLateMs: number;
  /** Whether the system tells that it is online again. */
  readonly tellsOnline: boolean;
  /** What waits may go out so long after `close()`. */
  readonly drainMs: number;
}

export const PLAIN: Omit<World, 'seed'> = {
  service: 'micwire',
  format: 's16',
  chunkMs: 100,
  muteAs: 'nothing',
  replaySpeed: 4,
  overlapMs: 500,
  readyOnOpen: false,
  halfDuplex: false,
  maxOutboxMs: 60_000,
  maxOutboxBytes: 16 * 2 ** 20,
  firstDelayMs: 250,
  maxDelayMs: 2000,
  connectTimeoutMs: 3000,
  readyTimeoutMs: 3000,
  stallMs: 2000,
  tokenMs: 0,
  welcomeMs: 0,
  storeMs: 0,
  expireMs: 600_000,
  maxReplyMs: 600_000,
  silenceMs: 0,
  clockSleeps: false,
  timerLateMs: 0,
  tellsOnline: true,
  drainMs: 5000,
  latencyMs: 20,
  upBytesPerSecond: 1_000_000,
  downBytesPerSecond: 1_000_000,
  kernelBytes: 16_384,
  headerBytes: 0,
};

interface Span {
  readonly at: number;
  readonly for: number;
}

/** What happens, from `at` on, `for` so many ms. */
export type Action =
  /** The connection in use is lost. */
  | (Span & { readonly kind: 'cut'; readonly noticed: Noticed })
  /** The next connection that is made meanwhile, or the one in use (`next` false), is lost at a byte of one direction. */
  | (Span & {
      readonly kind: 'break';
      readonly next: boolean;
      readonly direction: 'up' | 'down';
      readonly bytes: number;
    })
  /** The network carries nothing, and tells nobody. */
  | (Span & { readonly kind: 'blackout'; readonly direction: 'up' | 'down' | 'both' })
  /** The client's network is off. `cuts`: connections are lost at once. */
  | (Span & { readonly kind: 'offline'; readonly cuts: boolean })
  /** Connections are refused. */
  | (Span & { readonly kind: 'refuse' })
  /** Connections are never answered, not even afterwards. */
  | (Span & { readonly kind: 'hang' })
  /** The server accepts connections, and says welcome only afterwards. */
  | (Span & { readonly kind: 'busy' })
  /** The server refuses the session, with this code. */
  | (Span & { readonly kind: 'deny'; readonly code: number })
  /** The server, or something before it, closes the connection. */
  | (Span & { readonly kind: 'close'; readonly code: number })
  /**
   * The server process is killed and started again, and knows only what its record says: all that it has acknowledged
   * (`lostMs` 0), or less, because the disk had not taken it. `polite`: it says so a second before.
   */
  | (Span & { readonly kind: 'restart'; readonly polite: boolean; readonly lostMs: number })
  | (Span & { readonly kind: 'slow'; readonly factor: number })
  | (Span & { readonly kind: 'delay'; readonly by: number })
  /** The app's functions throw, never settle, take long, or give a wrong address. */
  | (Span & { readonly kind: 'token'; readonly how: 'throws' | 'hangs' | 'slow' | 'bad' })
  /** The client's machine sleeps. */
  | (Span & { readonly kind: 'sleep' })
  /** The page is frozen: the capture continues. */
  | (Span & { readonly kind: 'freeze' })
  /** The page is hidden: timers come at whole seconds. */
  | (Span & { readonly kind: 'hide' })
  /** The clock is set: one that is not monotonic. */
  | (Span & { readonly kind: 'clock'; readonly by: number })
  /** Muted, and unmuted afterwards; `every` above 0: again and again. */
  | (Span & { readonly kind: 'mute'; readonly every: number })
  /** `interrupt()` by the user or the service; `every` above 0: again and again. */
  | (Span & {
      readonly kind: 'interrupt';
      readonly by: 'user' | 'service';
      readonly every: number;
    })
  | (Span & { readonly kind: 'commit'; readonly every: number })
  /** The capture loses audio: just before the next chunk, or (`ends`) it ends with that, and comes back afterwards. */
  | (Span & { readonly kind: 'drop'; readonly frames: number; readonly ends: boolean })
  /** The capture pauses: no frames are counted. */
  | (Span & { readonly kind: 'pause' })
  /** The service speaks for so long, `speed` times as fast as real time, with a mark in the middle. */
  | (Span & { readonly kind: 'say'; readonly speed: number; readonly mark: boolean })
  /** Messages of the app's own, from both sides. */
  | (Span & { readonly kind: 'message'; readonly count: number })
  /** The server's end says something that it must not: bytes at random, text, or an acknowledgement of what was never sent. */
  | (Span & { readonly kind: 'nonsense'; readonly what: 'bytes' | 'text' | 'acknowledgement' })
  /** Another client opens the same session. */
  | (Span & { readonly kind: 'second' })
  | (Span & { readonly kind: 'end' });

export interface Schedule {
  readonly world: World;
  readonly actions: readonly Action[];
}

/** Codes that tell to come back, but for the last two (RFC 6455 §7.4.1). */
const CODES = [1000, 1001, 1006, 1011, 1012, 1013, 1005, 1015, 3000, 4000, 4408] as const;
const STOP_CODES = [4400, 4401, 4409, 4410] as const;

const ROOMY = { storeMs: 0, maxOutboxMs: 60_000, maxOutboxBytes: 16 * 2 ** 20 };

/** Plans the schedule of a seed. */
export function planSchedule(seed: number): Schedule {
  const random = seededRandom(seed * 6007 + 29);
  const int = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const chance = (ratio: number): boolean => random() < ratio;
  /** Small ones are frequent, large ones occur. */
  const skewed = (low: number, high: number): number =>
    Math.round(low * Math.pow(high / low, random()));

  const service = chance(0.75) ? 'micwire' : 'silent';
  const format = pick(['s16', 's16', 'mulaw', 'opus'] as const);
  const bytesPerSecond = SAMPLE_RATE * 2;
  const drawn: World = {
    seed,
    service,
    format,
    chunkMs: format === 'opus' ? pick([20, 20, 40, 60]) : pick([20, 40, 60, 100, 100, 200]),
    muteAs: pick(['silence', 'nothing', 'keep-alive']),
    replaySpeed: pick([1.5, 2, 4, 4, 8]),
    overlapMs: pick([0, 200, 500, 2000]),
    readyOnOpen: chance(0.3),
    halfDuplex: chance(0.15),
    maxOutboxMs: chance(0.6) ? 60_000 : skewed(500, 20_000),
    maxOutboxBytes: chance(0.8) ? 16 * 2 ** 20 : skewed(16_000, 200_000),
    firstDelayMs: pick([100, 250, 250, 1000]),
    maxDelayMs: pick([1000, 2000, 2000, 10_000]),
    connectTimeoutMs: pick([1500, 3000, 10_000]),
    readyTimeoutMs: pick([1500, 3000, 10_000]),
    stallMs: pick([1500, 2000, 5000]),
    tokenMs: pick([0, 5, 100]),
    welcomeMs: pick([0, 0, 50]),
    storeMs: pick([0, 0, 200, 1500]),
    expireMs: pick([600_000, 600_000, 15_000]),
    maxReplyMs: pick([600_000, 600_000, 2000]),
    silenceMs: pick([0, 3, 60]),
    clockSleeps: chance(0.4),
    timerLateMs: pick([0, 0, 4, 50, -0.9]),
    tellsOnline: chance(0.6),
    drainMs: pick([0, 500, 5000]),
    latencyMs: pick([1, 20, 20, 80, 200]),
    upBytesPerSecond: bytesPerSecond * pick([8, 16, 64]),
    downBytesPerSecond: bytesPerSecond * pick([8, 64]),
    // How long a dead connection hides where nothing is acknowledged.
    kernelBytes: service === 'silent' ? pick([0, 1024, 4096]) : pick([0, 4096, 65_536]),
    headerBytes: pick([0, 8]),
  };

  // A server that stores seldom, and an outbox with little room, would not keep up in the best of times.
  const isSlow = replaySpeedOf(drawn) < 1.2;
  // An outbox that is full keeps no overlap.
  const isFull = service === 'silent' && drawn.overlapMs > 0;
  const world = isSlow || isFull ? { ...drawn, ...ROOMY } : drawn;

  const actions: Action[] = [];
  const count = int(1, 14);
  const lastAt = skewed(2000, 30_000);
  const length = (): number => skewed(20, 20_000);
  for (let i = 0; i < count; i++) {
    // Things that happen at the same time, or just after each other, are what goes wrong.
    const before = actions.at(-1);
    const at =
      before !== undefined && chance(0.5)
        ? before.at + (chance(0.5) ? before.for : 0) + skewed(1, 1000)
        : int(0, lastAt);
    actions.push(planAction(at));
  }
  return { world, actions: actions.toSorted((a, b) => a.at - b.at) };

  function planAction(at: number): Action {
    const ms = length();
    switch (int(0, 33)) {
      case 0:
      case 1:
      case 2:
        return {
          kind: 'cut',
          at,
          for: 0,
          noticed: pick(['both', 'both', 'client', 'server', 'none']),
        };
      case 3:
      case 4:
      case 5: {
        const direction = pick(['up', 'down'] as const);
        const bytes = chance(0.6) ? int(0, 300) : int(0, 30_000);
        return { kind: 'break', at, for: ms, next: chance(0.6), direction, bytes };
      }
      case 6:
      case 7:
        return { kind: 'blackout', at, for: ms, direction: pick(['up', 'down', 'both', 'both']) };
      case 8:
      case 9:
        return { kind: 'offline', at, for: ms, cuts: chance(0.6) };
      case 10:
        return { kind: 'refuse', at, for: ms };
      case 11:
        return { kind: 'hang', at, for: ms };
      case 12:
        if (chance(0.6)) return { kind: 'busy', at, for: ms };
        return { kind: 'deny', at, for: ms, code: chance(0.9) ? pick([1013, 1011]) : 4401 };
      case 13:
        return { kind: 'close', at, for: 0, code: chance(0.9) ? pick(CODES) : pick(STOP_CODES) };
      case 14:
      case 15:
      case 16: {
        const lostMs = chance(0.7) ? 0 : chance(0.7) ? skewed(20, 5000) : 1e9;
        return { kind: 'restart', at, for: chance(0.3) ? 0 : ms, polite: chance(0.5), lostMs };
      }
      case 17:
      case 18:
        return { kind: 'slow', at, for: ms, factor: pick([0.01, 0.05, 0.1, 0.2, 0.5]) };
      case 19:
        return { kind: 'delay', at, for: ms, by: skewed(20, 4000) };
      case 20:
        return { kind: 'token', at, for: ms, how: pick(['throws', 'hangs', 'slow', 'bad']) };
      case 21:
        return { kind: 'sleep', at, for: skewed(500, 600_000) };
      case 22:
        return chance(0.75)
          ? { kind: pick(['freeze', 'freeze', 'hide']), at, for: ms }
          : { kind: 'clock', at, for: 0, by: (chance(0.5) ? -1 : 1) * skewed(10, 4e6) };
      case 23:
      case 24:
        return { kind: 'mute', at, for: ms, every: chance(0.6) ? 0 : skewed(5, 500) };
      case 25:
      case 26: {
        const every = chance(0.6) ? 0 : skewed(5, 500);
        const by = pick(['user', 'service'] as const);
        return { kind: 'interrupt', at, for: every === 0 ? 0 : ms, by, every };
      }
      case 27:
      case 28: {
        const every = chance(0.6) ? 0 : skewed(5, 500);
        return { kind: 'commit', at, for: every === 0 ? 0 : ms, every };
      }
      case 29: {
        const ends = chance(0.3);
        return { kind: 'drop', at, for: ends ? ms : 0, frames: skewed(1, 30_000), ends };
      }
      case 30:
        return { kind: 'pause', at, for: ms };
      case 31:
      case 32:
        return {
          kind: 'say',
          at,
          for: skewed(100, 10_000),
          speed: pick([1, 2, 10]),
          mark: chance(0.5),
        };
      default:
        return planRare(at);
    }
  }

  function planRare(at: number): Action {
    if (chance(0.3)) return { kind: 'message', at, for: 0, count: skewed(1, 80) };
    if (chance(0.4)) {
      const what = pick(['bytes', 'text', 'acknowledgement'] as const);
      return { kind: 'nonsense', at, for: 0, what };
    }
    return { kind: chance(0.3) ? 'second' : 'end', at, for: 0 };
  }
}
