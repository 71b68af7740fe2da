import type { Rig } from './rig.ts';
import type { Schedule, World } from './schedule.ts';
import type { SystemDevice } from './system.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Within this after the last disturbance, the right device is in use, if it opens. */
const SETTLE_MS = 75_000;
/** In engines that are slow to open, an opening may take this longer. */
const SLOW_MS = 160_000;
/** Nothing is opened in this last part, where everything is as it should be. */
const QUIET_MS = 15_000;

/** How long a schedule has to settle. */
export function settleMs({ actions, world }: Schedule): number {
  const slow = actions.some(({ kind }) => kind === 'slow') ? SLOW_MS : 0;
  const asks = world.permission === 'prompt' ? 2 * world.answerMs : 0;
  return SETTLE_MS + slow + asks;
}

/** Checks the end of a schedule. */
export function checkSettled(rig: Rig, { world, actions }: Schedule, time: VirtualTime): void {
  if (rig.closed) return;
  const { browser, life, audio } = rig;
  if (rig.pending.size > 0 && !browser.isPrompting) {
    const calls = [...rig.pending.values()].map(({ type }) => type);
    time.fail('calls settle', `Not settled: ${calls.join(', ')}.`);
  }
  if (rig.muted === 'light') return;
  const target = targetOf(rig, world);
  const { inUse } = audio;
  // With `'never'`, the device in use remains, whatever becomes the default.
  const isLeft = world.policy === 'never' && (rig.hasLost || inUse !== null);
  if (target === 'any' || isLeft) return;
  if (target === null) {
    // Nobody wants to hear what the output plays.
    const isMonitor = inUse !== null && inUse.device === browser.system.monitor;
    if (isMonitor && rig.hadMicrophone) time.fail('settles', 'A monitor of the output is in use.');
    return;
  }
  const failed = (detail: string): never => {
    const used = inUse === null ? 'none' : inUse.device.label;
    return time.fail(
      'settles',
      `${detail} Device in use: ${used}; state ${life.state}, failed by ${life.failedBy}.`,
    );
  };
  if (inUse === null || inUse.device !== target) return failed(`${target.label} is available.`);
  // A silent device is opened again once: whether its track died later, nobody can tell.
  const wasSilent = actions.some(({ kind }) => kind === 'hardware-mute') && life.silent !== null;
  if (!browser.gives(inUse) && wasSilent) return;
  if (!browser.gives(inUse)) return failed('The device in use is dead.');
  if (rig.open.size > 1) {
    time.fail('no leaked track', `${rig.open.size} tracks are open, and one is in use.`);
  }
  const isSilent = target.hardwareMutes > 0;
  if (rig.muted === null && (life.silent !== null) !== isSilent) {
    return failed(`The device is ${isSilent ? '' : 'not '}silent, told: ${life.silent}.`);
  }
  const isMuted = target.systemMutes > 0;
  if (
    !isMuted &&
    tellsDefault(world, rig) &&
    rig.lastOpeningMs > time.now - QUIET_MS &&
    rig.wanted === null
  ) {
    time.fail('quiet', 'Opened, though the right device is in use.');
  }
}

/** The device that must be in use; null: none opens; `'any'`: the schedule leaves it open. */
function targetOf(rig: Rig, world: World): SystemDevice | null | 'any' {
  const { policy, secondTrack } = world;
  const { browser, audio } = rig;
  const { permission, system } = browser;
  if (permission === 'denied' || permission === 'unavailable') return null;
  if (browser.isPrompting || (rig.wasRefused && !browser.tellsGrant)) return 'any';
  const wanted = rig.wanted === null ? system.default : wantedDevice(rig, world);
  if (wanted === 'any') return 'any';
  const fallback = policy === 'any' ? system.default : null;
  for (const device of [wanted, fallback]) {
    if (device === null || !device.isPresent) continue;
    if (device.systemMutes > 0 || browser.wouldPrompt(device)) return 'any';
    // What another program wants is still ours.
    if (audio.inUse?.device === device && browser.gives(audio.inUse)) return device;
    if (device.busy > 0) continue;
    if (!tellsDefault(world, rig) && audio.inUse?.asked === null) return audio.inUse.device;
    // Where a second track is refused, nobody learns that a device is free again.
    const isOnFallback = secondTrack === 'refused' && audio.inUse !== null;
    return isOnFallback ? 'any' : device;
  }
  return null;
}

/** Whether the page can know which device is the default, and that the user has not picked another one in a prompt. */
function tellsDefault({ engine, listsDefaultFirst }: World, { browser }: Rig): boolean {
  return engine === 'chromium' || (listsDefaultFirst && browser.prompts === 0);
}

function wantedDevice(rig: Rig, world: World): SystemDevice | null | 'any' {
  const { wanted, wantedId, browser, seen } = rig;
  if (wanted === null || wanted < 0) return null;
  const device = browser.system.at(wanted);
  // Nothing tells two of the same name apart.
  const isThere = device.isPresent && device.id === wantedId;
  if (!isThere && world.twins && world.engine === 'firefox') return 'any';
  const isKnown = device.id === wantedId || (wantedId !== null && seen.has(wantedId));
  return isKnown ? device : null;
}
