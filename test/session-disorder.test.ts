import { describe, expect, it } from 'vitest';
import type { Service, ServiceEvent } from '../src/core/services/service.ts';
import type { SessionEvent } from '../src/core/session/session-messages.ts';
import { seededRandom } from './helpers/random.ts';
import { SessionPlay, numberedAudio } from './helpers/session-play.ts';

/** Dice for one life. */
class Dice {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  flip(chance = 0.5): boolean {
    return this.random() < chance;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  of<const T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const HEARD = { item: 'reply-1', frames: 240, ms: 10, unheard: [] };

function anyService(dice: Dice): Partial<Service> {
  return {
    input: {
      format: dice.of(['s16', 's16', 'opus']),
      sampleRate: 16_000,
      channels: 1,
    },
    acknowledges: dice.flip(),
    overlapMs: dice.of([0, 0, 500, 15_000]),
    replaySpeed: dice.of([1.1, 2, 8]),
    muteAs: dice.of(['silence', 'nothing', 'keep-alive']),
    keepAliveMs: dice.of([0, 1000, 8000]),
    readyOnOpen: dice.flip(0.2),
    answersEnd: dice.flip(),
  };
}

/** Something that a service may say, in any order. Sometimes what it must not. */
function anyServiceEvent(dice: Dice, play: SessionPlay): ServiceEvent {
  const frame = dice.flip(0.9) ? dice.below(play.frame + 1) : dice.of([-1, 0.5, 1e15, play.frame]);
  return dice.of<() => ServiceEvent>([
    () => ({ type: 'ready' }),
    () => ({ type: 'ready' }),
    () => ({ type: 'acknowledged', frame }),
    () => ({ type: 'acknowledged', frame }),
    () => ({ type: 'settled', frame }),
    () => ({ type: 'audio', item: 'reply-1', bytes: new Uint8Array(4) }),
    () => ({ type: 'item-end', item: 'reply-1' }),
    () => ({ type: 'interrupted' }),
    () => ({ type: 'flow', open: dice.flip() }),
    () => ({ type: 'handle', handle: dice.of(['a', null]) }),
    () => ({ type: 'going-away', inMs: dice.of([0, 400, 5000, -1]) }),
    () => ({ type: 'reply', message: '{"type":"pong"}' }),
    () => ({
      type: 'error',
      code: 'busy',
      message: 'Too much to do.',
      fatal: dice.flip(0.2),
      retry: dice.flip(0.995),
    }),
    () => ({ type: dice.flip(0.005) ? 'ended' : 'ready' }),
  ])();
}

/** What brings a session on, whatever it waits for. */
function properEvent(dice: Dice, play: SessionPlay): SessionEvent {
  const { attempt } = play;
  const say = (event: ServiceEvent): SessionEvent => ({
    type: 'message',
    attempt,
    data: JSON.stringify([event]),
  });
  return dice.of<SessionEvent>([
    { type: 'start' },
    { type: 'address', attempt, address: { url: 'wss://service.example', protocols: [] } },
    { type: 'opened', attempt },
    say({ type: 'ready' }),
    say({ type: 'acknowledged', frame: play.lastFrame }),
    { type: 'tick' },
  ]);
}

/** Anything that a driver may tell, in any order, with attempts that may be over. */
function anyEvent(dice: Dice, play: SessionPlay): SessionEvent {
  const attempt = dice.flip(0.9) ? play.attempt : dice.below(play.attempt + 3);
  const audio = (): SessionEvent => {
    const dropped = dice.flip(0.05) ? dice.below(3000) : 0;
    if (dice.flip(0.98)) play.frame += dropped;
    const ms = dice.of([20, 20, 20, 1, 500]);
    const chunk = numberedAudio(play.frame, ms * 16, dropped);
    if (dice.flip(0.98)) play.frame += chunk.frames;
    if (dice.flip(0.02)) play.frame += dice.below(16_000);
    return { type: 'audio', audio: chunk };
  };
  return dice.of<() => SessionEvent>([
    audio,
    audio,
    audio,
    audio,
    () => ({ type: 'tick' }),
    () => ({ type: 'start' }),
    () => ({ type: 'address', attempt, address: { url: 'wss://service.example', protocols: [] } }),
    () =>
      dice.flip(0.1)
        ? { type: 'address-failed', attempt, cause: new Error('No token.') }
        : { type: 'opened', attempt },
    () => ({ type: 'opened', attempt }),
    () => ({ type: 'message', attempt, data: JSON.stringify([{ type: 'ready' }]) }),
    () => ({
      type: 'message',
      attempt,
      data: dice.flip(0.05)
        ? dice.of(['nonsense', 'crash'])
        : JSON.stringify(
            Array.from({ length: 1 + dice.below(3) }, () => anyServiceEvent(dice, play)),
          ),
    }),
    () => ({
      type: 'closed',
      attempt,
      code: dice.flip(0.003) ? 4400 : dice.of([1000, 1006, 1011]),
      reason: '',
    }),
    () => ({ type: 'lost', frames: dice.of([0, 100, -5, 0.5, Number.NaN]) }),
    () => ({ type: 'online' }),
    () => ({ type: 'commit' }),
    () => ({ type: 'mute', muted: dice.flip() }),
    () => ({ type: 'send', value: dice.of([{ a: 1 }, undefined, 'text']) }),
    () => ({ type: 'interrupt' }),
    () => ({ type: 'interrupted', heard: HEARD }),
    () => ({ type: 'playing', playing: dice.flip() }),
    () => ({ type: 'played', item: 'reply-1', name: dice.of(['m', null]), frames: 5 }),
    () => ({ type: 'mark', name: 'mark' }),
    () => (dice.flip(0.1) ? { type: 'clear' } : { type: 'tick' }),
    () =>
      dice.flip(0.003) ? { type: 'close', drainMs: dice.of([0, 100, 5000]) } : { type: 'tick' },
  ])();
}

/** A life of `events` events. @returns what came of it @throws when something is wrong */
function live(seed: number, events: number): SessionPlay {
  const dice = new Dice(seed);
  const maxOutboxMs = dice.of([1000, 5000, 60_000]);
  const maxOutboxBytes = dice.of([65_536, 2 ** 24]);
  const play = new SessionPlay({
    service: anyService(dice),
    random: dice.random,
    maxOutboxMs,
    maxOutboxBytes,
    halfDuplex: dice.flip(0.3),
    firstDelayMs: dice.of([0, 250]),
  });
  // Most lives begin as they should.
  if (dice.flip(0.8)) play.tell({ type: 'start' });
  for (let i = 0; i < events; i++) {
    const jump = dice.flip(0.01) ? dice.of([-5000, 60_000, 3_600_000]) : dice.below(60);
    if (dice.flip(0.7)) play.nowMs += jump;
    else play.wait(Math.max(0, jump));
    // A socket holds at most what it was given: what it says is nonsense all the same, now and then.
    if (dice.flip(0.2)) play.buffered = dice.of([0, 0, 0, 1000, 100_000]);
    const actions = play.tell(dice.flip() ? properEvent(dice, play) : anyEvent(dice, play));
    const { outboxBytes, waitingFrames, inFlightFrames } = play.life.stats;
    const isBounded =
      outboxBytes <= maxOutboxBytes &&
      waitingFrames + inFlightFrames <= maxOutboxMs * 16 &&
      actions.length < 5000;
    if (!isBounded) throw new Error(`Event ${i}: ${JSON.stringify(play.life.stats)}`);
    // What is due has been done.
    const { dueMs } = play.life;
    if (!(dueMs > play.nowMs)) throw new Error(`Event ${i}: due at ${dueMs}, at ${play.nowMs}.`);
  }
  return play;
}

describe('a session with events in any order', () => {
  it('keeps its counts and its limits, and never throws', () => {
    const seen = { connections: 0, replayedFrames: 0, acknowledgedFrames: 0 };
    const causes = new Set<string>();
    for (let seed = 1; seed <= 120; seed++) {
      try {
        const { life, gaps } = live(seed, 500);
        for (const name of Object.keys(seen) as (keyof typeof seen)[]) {
          if (life.stats[name] > 0) seen[name]++;
        }
        for (const { cause } of gaps) causes.add(cause);
      } catch (error) {
        throw new Error(`Seed ${seed}`, { cause: error });
      }
    }
    // Most lives have lived.
    for (const lives of Object.values(seen)) expect(lives).toBeGreaterThan(60);
    expect([...causes].toSorted()).toEqual(['capture', 'cleared', 'closed', 'overflow']);
  });
});
