import { Clock, Violation } from './invariants.ts';
import type { Rule } from './invariants.ts';
import { Network } from './network.ts';
import { PlayoutListener } from './playout-listener.ts';
import { ReceiverListener } from './receiver-listener.ts';
import { Recovery } from './recovery.ts';
import { openProcessors } from './processors.ts';
import type { Processors } from './processors.ts';
import { planJourney } from './schedule.ts';
import type { Action, Journey } from './schedule.ts';
import { Sender } from './sender.ts';
import type { Sent } from './sender.ts';

/** What a journey has shown to be wrong. */
export interface Failure {
  readonly rule: Rule;
  readonly atMs: number;
  readonly detail: string;
}

/** Something that begins or ends. */
interface Edge {
  readonly at: number;
  readonly begins: boolean;
  readonly action: Action;
}

/** Runs the journey of a seed. @returns null when all went well */
export function runSeed(seed: number): Promise<Failure | null> {
  return runJourney(planJourney(seed));
}

/** Rules that say that something is as it was before a disturbance. */
const RECOVERY: ReadonlySet<Rule> = new Set(['concealment recovers', 'delay recovers']);

/**
 * Runs a journey from its beginning to its end, in virtual time. Where a receiver has not recovered, its twin is run, to which
 * nothing happens: what that one shows too is a fault of its steady state.
 * @returns null when all went well
 */
export async function runJourney(journey: Journey): Promise<Failure | null> {
  const failure = await attempt(journey);
  if (failure === null || !RECOVERY.has(failure.rule) || journey.actions.length === 0) {
    return failure !== null && RECOVERY.has(failure.rule) ? steady(failure) : failure;
  }
  const twin = await attempt({ ...journey, actions: [] });
  return twin !== null && RECOVERY.has(twin.rule) ? steady(twin) : failure;
}

function steady(failure: Failure): Failure {
  return { ...failure, rule: 'steady state', detail: `Undisturbed, ${failure.detail}` };
}

async function attempt(journey: Journey): Promise<Failure | null> {
  const clock = new Clock();
  const processors = await openProcessors(journey);
  try {
    await travel(journey, processors, clock);
    return null;
  } catch (error) {
    if (error instanceof Violation) {
      return { rule: error.rule, atMs: error.atMs, detail: error.message };
    }
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { rule: 'no exception', atMs: clock.now, detail };
  } finally {
    processors.close();
  }
}

async function travel(journey: Journey, processors: Processors, clock: Clock): Promise<void> {
  const { world, actions } = journey;
  const recovery = new Recovery(journey, clock);
  const network = new Network<Sent>(world.network, world.seed, ({ frames }, at) =>
    recovery.lost(frames, at),
  );
  const sender = new Sender(journey, processors, network, clock);
  const { steepest } = sender.microphone;
  const listener =
    world.listener === 'receiver'
      ? new ReceiverListener(journey, processors, clock, recovery, steepest)
      : new PlayoutListener(journey, processors, clock, steepest);
  const edges = actions.flatMap(edgesOf).sort((a, b) => a.at - b.at);
  let edge = 0;
  for (;;) {
    const edgeAt = edges[edge]?.at ?? Infinity;
    const now = Math.min(edgeAt, network.nextAt, sender.nextAt, listener.nextAt);
    if (now > world.durationMs) break;
    clock.now = Math.max(clock.now, now);
    if (edgeAt === now) {
      const { begins, action } = edges[edge++]!;
      for (const part of [network, sender, listener]) {
        if (begins) part.begin(action);
        else part.end(action);
      }
    } else if (network.nextAt === now) listener.arrive(network.take());
    else if (sender.nextAt === now) sender.render();
    else {
      listener.render();
    }
    const reading = sender.turn();
    if (reading !== undefined) await reading;
    listener.turn();
  }
  clock.now = world.durationMs;
  await sender.close();
  while (network.nextAt < Infinity) listener.arrive(network.take());
  listener.close();
}

function edgesOf(action: Action): Edge[] {
  if (action.kind !== 'push-to-talk') {
    return [
      { at: action.at, begins: true, action },
      { at: action.at + action.for, begins: false, action },
    ];
  }
  const edges: Edge[] = [];
  const end = action.at + action.for;
  for (let at = action.at; at < end; at += action.rest + action.talk) {
    edges.push({ at, begins: true, action });
    edges.push({ at: Math.min(end, at + action.rest), begins: false, action });
  }
  return edges;
}
