import { numberedSignal } from '../../test/helpers/numbered-signal.ts';
import type { PageAction, Report } from './page.ts';
import type { EventKind, ScheduledEvent } from './schedule.ts';

/** The parts of a sound server (test/engines/sound-server.mjs) that a run uses. */
export interface Microphones {
  readonly sampleRate: number;
  control(...args: string[]): Promise<string>;
  addMicrophone(name: string, period: Float32Array): Promise<SystemMicrophone>;
}

interface SystemMicrophone {
  readonly name: string;
  readonly plugged: boolean;
  plug(): Promise<void>;
  unplug(): Promise<void>;
  mute(on: boolean): Promise<unknown>;
  suspend(on: boolean): Promise<unknown>;
  makeDefault(): Promise<unknown>;
}

/** The parts of a browser (test/engines/open-browser.mjs) that a run uses. */
export interface Browser {
  evaluate(body: string): Promise<unknown>;
  readonly life?:
    | { readonly [Step in 'hide' | 'show' | 'freeze' | 'resume']: () => Promise<void> }
    | undefined;
}

/** An event as it was: from its beginning until it was undone, ms of the wall's clock. */
export interface DoneEvent {
  readonly kind: EventKind;
  readonly startMs: number;
  readonly undoMs: number;
  /** The devices that it touched, and the outcome of the page's calls. */
  readonly notes: readonly string[];
}

/** What the system said at a time: it moves streams from source to source as it likes, and browsers do not tell. */
interface SystemView {
  readonly wallMs: number;
  /** Name of the default source. */
  readonly defaultSource: string;
  /** Names of the sources that somebody records. */
  readonly recorded: readonly string[];
}

export interface Run {
  readonly names: readonly string[];
  readonly events: readonly DoneEvent[];
  readonly views: readonly SystemView[];
  readonly endMs: number;
  readonly report: Report;
}

const NAMES = ['first', 'second', 'third'] as const;
/** The devices are all there again, the microphone is live: longer than any back-off between attempts. */
const PATIENCE_MS = 20_000;

/**
 * Plays a schedule to a page.
 * @param options.device what the page opens: the first device by its id, or the system's default
 * @param options.say is told each event when it is done
 */
export async function drive(
  sound: Microphones,
  browser: Browser,
  schedule: readonly ScheduledEvent[],
  options: { readonly device: 'first' | 'default'; readonly say?: (line: string) => void },
): Promise<Run> {
  const { device: opened, say = () => {} } = options;
  const devices = await plugAll(sound);
  const driver = new Driver(sound, browser, devices);
  await driver.noteSystem();
  await browser.evaluate(`await live.open(${opened === 'first' ? `'${NAMES[0]}'` : null});`);
  const events: DoneEvent[] = [];
  for (const [index, event] of schedule.entries()) {
    const done = await driver.play(event);
    events.push(done);
    say(`${index + 1}/${schedule.length} ${event.kind}: ${done.notes.join(', ')}`);
    await wait(event.restMs);
    await driver.noteSystem();
  }
  const endMs = Date.now();
  const report = (await browser.evaluate('return live.run.finish();')) as Report;
  return { names: NAMES, events, views: driver.views, endMs, report };
}

async function plugAll(sound: Microphones): Promise<SystemMicrophone[]> {
  const devices: SystemMicrophone[] = [];
  for (const [index, name] of NAMES.entries()) {
    const device = await sound.addMicrophone(name, numberedSignal(index, sound.sampleRate));
    await device.plug();
    devices.push(device);
  }
  await devices[0]!.makeDefault();
  return devices;
}

class Driver {
  readonly views: SystemView[] = [];
  readonly #sound: Microphones;
  readonly #browser: Browser;
  readonly #devices: readonly SystemMicrophone[];
  #notes: string[] = [];

  constructor(sound: Microphones, browser: Browser, devices: readonly SystemMicrophone[]) {
    this.#sound = sound;
    this.#browser = browser;
    this.#devices = devices;
  }

  async play({ kind, holdMs, choice }: ScheduledEvent): Promise<DoneEvent> {
    this.#notes = [];
    await this.#live();
    const inUse = await this.#inUse();
    const others = this.#devices.filter((device) => device !== inUse);
    const other = others[Math.floor(choice * others.length)]!;
    const startMs = Date.now();
    const undo = await this.#begin(kind, inUse, other, holdMs);
    const rest = holdMs - (Date.now() - startMs);
    await this.noteSystem();
    if (rest > 0) await wait(rest);
    const undoMs = Date.now();
    await undo();
    await this.noteSystem();
    return { kind, startMs, undoMs, notes: this.#notes };
  }

  async noteSystem(): Promise<void> {
    const [defaultSource, outputs, sources] = await Promise.all([
      this.#sound.control('get-default-source'),
      this.#sound.control('list', 'short', 'source-outputs'),
      this.#sound.control('list', 'short', 'sources'),
    ]);
    const names = new Map(columnsOf(sources).map(([index, name]) => [index, name]));
    const recorded = columnsOf(outputs).flatMap(([, source]) => names.get(source) ?? []);
    this.views.push({ wallMs: Date.now(), defaultSource, recorded });
  }

  /** Carries out an event. @returns a function that undoes it */
  async #begin(
    kind: EventKind,
    inUse: SystemMicrophone,
    other: SystemMicrophone,
    holdMs: number,
  ): Promise<() => Promise<unknown>> {
    const nothing = async (): Promise<void> => {};
    switch (kind) {
      case 'device in use unplugged, and plugged in again':
        await this.#unplug(inUse);
        return () => inUse.plug();
      case 'another device unplugged, and plugged in again':
        await this.#unplug(other);
        return () => other.plug();
      case 'all devices unplugged, and plugged in again':
        for (const device of this.#devices) await this.#unplug(device);
        return async () => {
          for (const device of this.#devices) await device.plug();
        };
      case 'default device changed':
        this.#notes.push(`to ${other.name}`);
        await other.makeDefault();
        return nothing;
      case 'source muted by the system':
      case 'source muted by the system for more than 5 s':
        this.#notes.push(inUse.name);
        await inUse.mute(true);
        return () => inUse.mute(false);
      case 'source suspended by the system':
        this.#notes.push(inUse.name);
        await inUse.suspend(true);
        return () => inUse.suspend(false);
      case 'use(another device)':
        await this.#act({ type: 'use', label: other.name });
        return nothing;
      case 'use(null)':
        await this.#act({ type: 'use', label: null });
        return nothing;
      case 'use(a device that is gone)':
        await this.#act({ type: 'use', label: 'gone' });
        return nothing;
      case "mute({ keep: 'time' })":
        await this.#act({ type: 'mute', keep: 'time' });
        return () => this.#act({ type: 'unmute' });
      case "mute({ keep: 'light' })":
        await this.#act({ type: 'mute', keep: 'light' });
        return () => this.#act({ type: 'unmute' });
      case 'release() and hold()':
        await this.#act({ type: 'release' });
        return () => this.#act({ type: 'hold' });
      case 'context suspended and resumed':
        await this.#act({ type: 'suspend' });
        return () => this.#act({ type: 'resume' });
      case 'page’s thread blocked':
      case 'page’s thread blocked for 10 s':
        await this.#act({ type: 'block', ms: holdMs });
        return nothing;
      case 'unplugged while the page’s thread is blocked': {
        const blocked = this.#act({ type: 'block', ms: holdMs });
        await this.#unplug(inUse);
        return async () => {
          await blocked;
          await inUse.plug();
        };
      }
      case "unplugged while muted with keep: 'light'":
        await this.#act({ type: 'mute', keep: 'light' });
        await this.#unplug(inUse);
        return async () => {
          await this.#act({ type: 'unmute' });
          await inUse.plug();
        };
      case 'unplugged while nobody talks':
        await this.#act({ type: 'release' });
        await this.#unplug(inUse);
        return async () => {
          await this.#act({ type: 'hold' });
          await inUse.plug();
        };
      case 'use(another device) while that is unplugged':
        await Promise.all([this.#act({ type: 'use', label: other.name }), this.#unplug(other)]);
        return () => other.plug();
      case 'use(another device), then at once use(null)':
        await Promise.all([
          this.#act({ type: 'use', label: other.name }),
          this.#act({ type: 'use', label: null }),
        ]);
        return nothing;
      case 'unplugged while the page is frozen':
        await this.#browser.life!.hide();
        await this.#browser.life!.freeze();
        await this.#unplug(inUse);
        return async () => {
          await this.#browser.life!.resume();
          await this.#browser.life!.show();
          await wait(holdMs);
          await inUse.plug();
        };
      case 'page hidden':
        await this.#browser.life!.hide();
        return () => this.#browser.life!.show();
      case 'page frozen':
        await this.#browser.life!.hide();
        await this.#browser.life!.freeze();
        return async () => {
          await this.#browser.life!.resume();
          await this.#browser.life!.show();
        };
    }
  }

  async #unplug(device: SystemMicrophone): Promise<void> {
    this.#notes.push(device.name);
    await device.unplug();
  }

  async #act(action: PageAction): Promise<void> {
    const label = 'label' in action ? ` ${action.label}` : '';
    const outcome = await this.#browser.evaluate(`return live.run.act(${JSON.stringify(action)});`);
    this.#notes.push(`${action.type}${label}: ${String(outcome)}`);
  }

  /** Waits until the microphone is live: an event is nothing to one that still looks for a device. */
  async #live(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const { state } = await this.#look();
      if (state === 'live') return;
      if (Date.now() > deadline) {
        this.#notes.push(`still ${state} after ${PATIENCE_MS / 1000} s`);
        return;
      }
      await wait(100);
    }
  }

  async #inUse(): Promise<SystemMicrophone> {
    const { device } = await this.#look();
    const name = this.#devices.some(({ name }) => name === device)
      ? device
      : await this.#sound.control('get-default-source');
    return this.#devices.find((one) => one.name === name) ?? this.#devices[0]!;
  }

  async #look(): Promise<{ readonly state: string; readonly device: string | null }> {
    return (await this.#browser.evaluate('return live.run.look();')) as {
      state: string;
      device: string | null;
    };
  }
}

/** The lines of a short list of pactl. */
function columnsOf(list: string): string[][] {
  return list.split('\n').map((line) => line.split('\t'));
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
