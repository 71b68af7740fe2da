import { Violation } from './invariants.ts';
import type { Rule } from './invariants.ts';
import { Rig } from './rig.ts';
import { FOREVER_MS, planSchedule } from './schedule.ts';
import type { Action, Schedule } from './schedule.ts';
import { checkSettled, settleMs } from './settled.ts';
import { VirtualTime } from './virtual-time.ts';

/** What a schedule has shown to be wrong. */
export interface Failure {
  readonly rule: Rule;
  readonly atMs: number;
  readonly detail: string;
}

/** Step of the audio thread. */
const STEP_MS = 50;
/** Answers may come so long after `close`. */
const LATE_MS = 200_000;

/** Runs the schedule of a seed. @returns null when all went well */
export function runSeed(seed: number): Failure | null {
  return runSchedule(planSchedule(seed));
}

/** Virtual time that a schedule takes. */
export function durationMs(schedule: Schedule): number {
  const ends = schedule.actions.map(({ at, for: ms }) => (ms >= FOREVER_MS ? at : at + ms));
  return Math.max(0, ...ends) + settleMs(schedule);
}

/**
 * Runs a schedule from beginning to end, in virtual time: what is planned, then time to settle, then `close()`.
 *
 * @param onLog takes what happened
 * @returns null when all went well
 */
export function runSchedule(
  schedule: Schedule,
  onLog: (lines: readonly string[]) => void = () => {},
): Failure | null {
  const time = new VirtualTime();
  const rig = new Rig(schedule.world, time);
  try {
    live(schedule, rig, time);
    return null;
  } catch (error) {
    if (error instanceof Violation) {
      return { rule: error.rule, atMs: error.atMs, detail: error.message };
    }
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { rule: 'no exception', atMs: time.now, detail };
  } finally {
    onLog(rig.log);
  }
}

function live(schedule: Schedule, rig: Rig, time: VirtualTime): void {
  for (const action of schedule.actions) {
    time.at(action.at, () => begin(rig, action, time));
    const endsAt = action.at + action.for;
    if (action.for < FOREVER_MS) time.at(endsAt, () => end(rig, action));
  }
  rig.start();
  const endMs = Math.ceil(durationMs(schedule) / STEP_MS) * STEP_MS;
  for (let now = STEP_MS; now <= endMs; now += STEP_MS) {
    time.runUntil(now);
    const { state, silent } = rig.life;
    const isLive = rig.isRunning && state === 'live';
    const isLooking = rig.browser.hidden > 0 ? now % 60_000 === 0 : now % 1000 === 0;
    if (isLooking && rig.isRunning) rig.look();
    rig.audio.step(STEP_MS, { live: isLive, silent: silent !== null });
  }
  checkSettled(rig, schedule, time);
  rig.close();
  time.runUntil(endMs + LATE_MS);
  if (rig.open.size > 0) time.fail('light is out', 'A track is open after close.');
}

function begin(rig: Rig, action: Action, time: VirtualTime): void {
  const { browser } = rig;
  const { system } = browser;
  switch (action.kind) {
    case 'unplug':
      return browser.unplug(system.at(action.device));
    case 'flap': {
      const device = system.at(action.device);
      const end = time.now + action.for;
      const out = (): void => {
        if (time.now + action.every >= end) return;
        browser.unplug(device);
        time.after(action.every / 2, () => browser.replug(device, false));
        time.after(action.every, out);
      };
      return out();
    }
    case 'default':
      return browser.makeDefault(system.at(action.device));
    case 'busy':
      return browser.occupy(system.at(action.device), action.takes);
    case 'hardware-mute':
      system.at(action.device).hardwareMutes++;
      return;
    case 'system-mute':
      return browser.systemMute(system.at(action.device), 1);
    case 'glitch':
      system.at(action.device).generation++;
      return;
    case 'profile':
      return browser.changeFormat(system.at(action.device));
    case 'refuse':
      browser.refusals.push(action.name);
      return;
    case 'slow':
      browser.slow.push(action.by);
      return;
    case 'revoke':
      return browser.revoke(action.to);
    case 'hide':
      return browser.hide(1);
    case 'freeze':
      return rig.stopRunning(false);
    case 'sleep':
      return rig.stopRunning(true);
    case 'clock':
      return rig.setClock(action.by);
    case 'suspend':
      rig.audio.suspended++;
      return;
    case 'use':
      return rig.use(action.device);
    case 'mute':
      return rig.mute(action.keep);
    case 'close':
      return rig.close();
  }
}

function end(rig: Rig, action: Action): void {
  const { browser } = rig;
  const { system } = browser;
  switch (action.kind) {
    case 'unplug':
      return browser.replug(system.at(action.device), action.newId);
    case 'busy':
      system.at(action.device).busy--;
      return;
    case 'hardware-mute':
      system.at(action.device).hardwareMutes--;
      return;
    case 'system-mute':
      return browser.systemMute(system.at(action.device), -1);
    case 'refuse':
      remove(browser.refusals, action.name);
      return;
    case 'slow':
      remove(browser.slow, action.by);
      return;
    case 'revoke':
      return browser.grant();
    case 'hide':
      return browser.hide(-1);
    case 'freeze':
      return rig.continueRunning(false, action.for);
    case 'sleep':
      return rig.continueRunning(true, action.for);
    case 'suspend':
      rig.audio.suspended--;
      return;
    case 'mute':
      return rig.unmute();
    case 'flap':
    case 'default':
    case 'glitch':
    case 'profile':
    case 'clock':
    case 'use':
    case 'close':
      return;
  }
}

function remove<T>(list: T[], item: T): void {
  list.splice(list.indexOf(item), 1);
}
