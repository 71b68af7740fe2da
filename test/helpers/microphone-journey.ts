/**
 * One seeded journey of a microphone through page, life, audio thread and captures, on a virtual clock: a system that
 * misbehaves, a user and an app that call everything in any order. What must hold is checked on the way and at the end.
 */
import { expect, vi } from 'vitest';
import { Capture, Meter, Microphone } from '../../src/web/index.ts';
import type { Chunk, MicrophoneGap, MicrophoneOptions } from '../../src/web/index.ts';
import { MicrophonePage, PageTrack, deviceNumber, readSignal } from './microphone-page.ts';
import { loadResamplerDesign } from '../../src/web/resampler-design.ts';
import type { PageDevice } from './microphone-page.ts';
import { seededRandom } from './random.ts';

/** What the system does when it is asked for a track. */
type Answering = 'quickly' | 'slowly' | 'late' | 'never';
type Listing = 'well' | 'slowly' | 'throws' | 'never' | 'without labels' | 'twice';

const REFUSALS = ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'AbortError', 'Odd'];

/** A call of the app, which has to settle. */
interface Call {
  readonly name: string;
  outcome: string | null;
}

interface Tap {
  readonly capture: Capture;
  readonly rate: number;
  readonly chunks: Chunk[];
  /** The app has paused it, or it began after a gap: sums of dropped frames cannot be compared. */
  readonly bornAt: number;
  closed: boolean;
}

/** Frames of fades that one change of the audio may take. */
const FADE = 240;

/** Listeners of a target that were not removed. */
function countListeners(target: EventTarget): () => string[] {
  const listening = new Map<unknown, string>();
  const add = target.addEventListener.bind(target);
  const remove = target.removeEventListener.bind(target);
  target.addEventListener = (type: string, listener: never, options?: never): void => {
    listening.set(listener, type);
    add(type, listener, options);
  };
  target.removeEventListener = (type: string, listener: never, options?: never): void => {
    listening.delete(listener);
    remove(type, listener, options);
  };
  return () => [...listening.values()];
}

export class MicrophoneJourney {
  readonly #random: () => number;
  readonly #page: MicrophonePage;
  readonly #log: string[] = [];
  readonly #calls: Call[] = [];
  readonly #taps: Tap[] = [];
  readonly #meters: Meter[] = [];
  readonly #gaps: { gap: MicrophoneGap }[] = [];
  readonly #rejections: unknown[] = [];
  /** What did not hold in a listener. */
  readonly #broken: string[] = [];
  readonly #listening: Record<string, () => string[]>;
  readonly #status = Object.assign(new EventTarget(), { state: 'granted' as PermissionState });
  #locks = 0;
  readonly #session = { type: 'auto' };
  #answering: Answering = 'quickly';
  #listing: Listing = 'well';
  #refusal: string | null = null;
  #all: PageDevice[];
  #fades = 4;
  #microphone: Microphone | null = null;
  #states: string[] = [];
  #carry = 0;
  #options: MicrophoneOptions = {};

  private constructor(page: MicrophonePage, all: PageDevice[], random: () => number) {
    this.#page = page;
    this.#random = random;
    this.#all = all;
    this.#listening = {
      media: countListeners(page.media),
      document: countListeners(page.document),
      window: countListeners(page.window),
      context: countListeners(page.context),
      permission: countListeners(this.#status),
    };
  }

  /** Runs the journey of a seed. @throws what does not hold, with the way there */
  static async run(seed: number): Promise<void> {
    const random = seededRandom(seed);
    const all = [1, 2, 3].map((number) => deviceNumber(number));
    const quantum = [128, 128, 128, 64, 256, 512, 2048][Math.floor(random() * 7)]!;
    const sampleRate = [48_000, 48_000, 44_100, 16_000, 96_000][Math.floor(random() * 5)]!;
    vi.useFakeTimers({
      now: 1e12,
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    });
    // Modules load in real time.
    await loadResamplerDesign(48_000, 16_000);
    const page = await MicrophonePage.open(all, { quantum, sampleRate });
    const journey = new MicrophoneJourney(page, all, random);
    const onRejection = (error: unknown): void => void journey.#rejections.push(error);
    process.on('unhandledRejection', onRejection);
    try {
      journey.#note(`quantum ${quantum}, ${sampleRate} Hz`);
      await journey.#travel();
    } catch (error) {
      const way = `seed ${seed}: ${journey.#log.join(' · ')}`;
      throw new Error(`${(error as Error).message}\n${way}`, { cause: error });
    } finally {
      process.off('unhandledRejection', onRejection);
      // Where it has failed: one that lives on would disturb the next journey.
      page.context.enter('closed');
      page.close();
      vi.useRealTimers();
    }
  }

  async #travel(): Promise<void> {
    this.#install();
    this.#options = this.#someOptions();
    if (this.#chance(0.15)) this.#disturb();
    const opening = Microphone.open(this.#page.asContext, this.#options);
    const opened = this.#track('open', opening);
    for (let i = 0; i < 40 && opened.outcome === null; i++) {
      if (i > 2 && this.#chance(0.1)) this.#disturb();
      await this.#pass(this.#between(5, 600));
    }
    if (opened.outcome === null) {
      this.#note('calm while opening');
      this.#calm();
      for (let i = 0; i < 150 && opened.outcome === null; i++) await this.#pass(1000);
    }
    if (opened.outcome !== 'done') {
      // It was refused, or its prompt is never answered: then the app gives up the context.
      this.#page.context.enter('closed');
      await this.#pass(2000);
      expect(opened.outcome, 'open() settles').toMatch(/^(permission|device|unsupported|closed)$/);
      await this.#pass(30_000);
      this.#checkEnd();
      return;
    }
    const microphone = await opening;
    this.#microphone = microphone;
    this.#follow(microphone);
    await this.#tap();
    const steps = 6 + Math.floor(this.#random() * 26);
    for (let i = 0; i < steps && microphone.state !== 'closed'; i++) {
      if (this.#chance(0.5)) this.#disturb();
      else await this.#act(microphone);
      this.#checkNow(microphone);
      await this.#pass(this.#someTime());
    }
    if (this.#chance(0.75)) await this.#settle(microphone);
    await this.#end(microphone);
  }

  #someOptions(): MicrophoneOptions {
    const pushToTalk = this.#chance(0.35);
    const options: MicrophoneOptions = {
      deviceId: this.#pick([null, null, 'device-1', 'device-2', 'device-9', '']),
      reacquire: this.#pick(['any', 'any', 'any', 'same', 'never']),
      ifBlocked: this.#pick(['reject', 'wait', 'wait']),
      channels: this.#pick([1, 1, 2]),
      silenceMs: this.#pick([200, 1000, 3000]),
      echo: this.#pick(['auto', 'none', 'browser']),
      ...(pushToTalk ? { pushToTalk, preRollMs: this.#pick([0, 1, 20, 300, 1000]) } : {}),
    };
    this.#note(JSON.stringify(options));
    return options;
  }

  // --- the system ------------------------------------------------------------------------------------------------------

  #install(): void {
    const page = this.#page;
    Object.assign(page.media, {
      getUserMedia: ({ audio }: { audio: MediaTrackConstraints }) => this.#give(audio),
      enumerateDevices: () => this.#list(),
    });
    const permissions = this.#pick([
      { query: () => Promise.resolve(this.#status) },
      { query: () => Promise.resolve(this.#status) },
      { query: () => Promise.reject(new TypeError('no such permission')) },
      {
        query: () => {
          throw new TypeError('no such permission');
        },
      },
      { query: () => new Promise(() => {}) },
      undefined,
    ]);
    const wakeLock = {
      request: () => {
        this.#locks++;
        const lock = Object.assign(new EventTarget(), {
          released: false,
          release: () => {
            if (!lock.released) this.#locks--;
            lock.released = true;
            return Promise.resolve();
          },
        });
        return Promise.resolve(lock);
      },
    };
    vi.stubGlobal('navigator', {
      mediaDevices: page.media,
      permissions,
      userAgent: 'Chromium',
      wakeLock,
      audioSession: this.#session,
    });
  }

  #give({ deviceId }: MediaTrackConstraints): Promise<MediaStream> {
    const exact = (deviceId as { exact?: string } | undefined)?.exact;
    const ms = { quickly: 5, slowly: 300, late: 24_000, never: Infinity }[this.#answering];
    return new Promise((resolve, reject) => {
      if (ms === Infinity) return;
      setTimeout(() => {
        const devices = this.#page.devices;
        const device =
          exact === undefined || exact === 'default'
            ? devices[0]
            : devices.find((each) => each.deviceId === exact);
        const refusal = this.#refusal ?? (device === undefined ? 'OverconstrainedError' : null);
        if (refusal !== null) {
          reject(new DOMException('', refusal));
          return;
        }
        const track = new PageTrack(device!);
        this.#listening[`track ${this.#page.tracks.length}`] = countListeners(track);
        this.#page.tracks.push(track);
        this.#fades += 3;
        resolve(new MediaStream(track as never));
      }, ms);
    });
  }

  #list(): Promise<MediaDeviceInfo[]> {
    const list = this.#page.devices.map((device) => ({ ...device, kind: 'audioinput' }));
    const answer = list as unknown as MediaDeviceInfo[];
    switch (this.#listing) {
      case 'throws':
        return Promise.reject(new DOMException('', 'InvalidStateError'));
      case 'never':
        return new Promise(() => {});
      case 'slowly':
        return new Promise((resolve) => void setTimeout(() => resolve(answer), 2500));
      case 'without labels':
        return Promise.resolve(
          list
            .slice(0, 1)
            .map((info) => ({ ...info, deviceId: '', groupId: '', label: '' })) as never,
        );
      case 'twice':
        return Promise.resolve([...answer, ...answer]);
      default:
        return Promise.resolve(answer);
    }
  }

  #disturb(): void {
    const page = this.#page;
    const { context } = page;
    const device = this.#pick(this.#all);
    const plugged = page.devices.includes(device);
    const track = page.open.at(-1);
    const what = this.#pick([
      'unplug',
      'unplug',
      'unplug',
      'plug',
      'plug',
      'unplug silently',
      'default',
      'new id',
      'mute track',
      'mute track',
      'unmute track',
      'unmute track',
      'end track',
      'silence',
      'sound',
      'answer',
      'answer',
      'list',
      'list',
      'refuse',
      'allow',
      'allow',
      'permission',
      'hide',
      'show',
      'freeze',
      'resume',
      'sleep',
      'block',
      'suspend',
      'interrupt',
      'run',
      'run',
      'clock back',
    ] as const);
    this.#note(what);
    switch (what) {
      case 'unplug':
        if (plugged) page.unplug(device.number);
        break;
      case 'unplug silently':
        page.devices = page.devices.filter((each) => each !== device);
        break;
      case 'plug':
        if (!plugged) page.plugIn(device);
        break;
      case 'default':
        page.devices = [...page.devices].reverse();
        page.media.dispatchEvent(new Event('devicechange'));
        break;
      case 'new id': {
        // As after the permission was reset.
        const renamed = { ...device, deviceId: `${device.deviceId}'` };
        this.#all = this.#all.map((each) => (each === device ? renamed : each));
        page.devices = page.devices.map((each) => (each === device ? renamed : each));
        for (const each of page.tracks)
          if (each.device === device) Object.assign(each, { device: renamed });
        page.media.dispatchEvent(new Event('devicechange'));
        break;
      }
      case 'mute track':
        track?.setMuted(true);
        break;
      case 'unmute track':
        track?.setMuted(false);
        break;
      case 'end track':
        track?.end();
        break;
      case 'silence':
        page.silent.add(device.number);
        break;
      case 'sound':
        page.silent.clear();
        break;
      case 'answer':
        this.#answering = this.#pick(['quickly', 'quickly', 'slowly', 'slowly', 'late', 'never']);
        this.#note(this.#answering);
        break;
      case 'list':
        this.#listing = this.#pick([
          'well',
          'well',
          'slowly',
          'throws',
          'never',
          'without labels',
          'twice',
        ]);
        this.#note(this.#listing);
        break;
      case 'refuse':
        this.#refusal = this.#pick(REFUSALS);
        this.#note(this.#refusal);
        break;
      case 'allow':
        this.#refusal = null;
        break;
      case 'permission':
        this.#status.state = this.#pick(['granted', 'prompt', 'denied']);
        this.#status.dispatchEvent(new Event('change'));
        this.#note(this.#status.state);
        break;
      case 'hide':
      case 'show':
        this.#see(what === 'show');
        break;
      case 'freeze':
      case 'resume':
        page.document.dispatchEvent(new Event(what));
        break;
      case 'sleep':
        vi.setSystemTime(Date.now() + this.#between(1000, 3_600_000));
        break;
      case 'clock back':
        vi.setSystemTime(Date.now() - this.#between(1000, 3_600_000));
        break;
      case 'block':
        page.renderBlocked(this.#between(1, 400));
        break;
      case 'suspend':
        context.enter('suspended');
        break;
      case 'interrupt':
        context.enter('interrupted');
        break;
      case 'run':
        context.enter('running');
        break;
    }
  }

  #see(visible: boolean): void {
    this.#page.document.visibilityState = visible ? 'visible' : 'hidden';
    this.#page.document.dispatchEvent(new Event('visibilitychange'));
  }

  // --- the app ---------------------------------------------------------------------------------------------------------

  async #act(microphone: Microphone): Promise<void> {
    const what = this.#pick([
      'use',
      'use',
      'use',
      'use many',
      'mute',
      'mute',
      'unmute',
      'unmute',
      'light',
      'unmute',
      'hold',
      'hold',
      'hold',
      'release',
      'release',
      'tap',
      'untap',
      'pause',
      'meter',
      'unmeter',
      'read',
    ] as const);
    this.#note(what);
    const tap = this.#taps.length === 0 ? undefined : this.#pick(this.#taps);
    switch (what) {
      case 'use':
        this.#use(microphone);
        break;
      case 'use many':
        for (let i = 0; i < 50; i++) this.#use(microphone);
        break;
      case 'mute':
      case 'light':
        this.#fades++;
        this.#track(what, microphone.mute({ keep: what === 'light' ? 'light' : 'time' }));
        break;
      case 'unmute':
        this.#fades++;
        this.#track(what, microphone.unmute());
        break;
      case 'hold':
      case 'release':
        if (microphone.held === null) expect(() => microphone[what]()).toThrow(TypeError);
        else microphone[what]();
        break;
      case 'tap':
        if (this.#taps.length < 4) await this.#tap();
        break;
      case 'untap':
        if (tap !== undefined && !tap.closed) {
          tap.closed = true;
          this.#track('capture.close', tap.capture.close());
        }
        break;
      case 'pause':
        // One of its own: its numbers have pauses.
        if (tap !== undefined && tap.rate === 16_000 && !tap.closed) {
          this.#track('capture.pause', tap.capture.pause());
          await this.#pass(this.#between(1, 200));
          this.#track('capture.resume', tap.capture.resume());
        }
        break;
      case 'meter':
        this.#meters.push(
          await this.#during(
            Meter.create(this.#page.asContext, {
              source: microphone,
              channels: 1,
              execution: 'typescript',
            }),
          ),
        );
        break;
      case 'unmeter':
        if (this.#meters.length > 0) this.#track('meter.close', this.#meters.pop()!.close());
        break;
      case 'read':
        void [microphone.stats, microphone.advice, microphone.echo, microphone.settings];
        break;
    }
  }

  #use(microphone: Microphone): void {
    const deviceId = this.#pick([null, '', 'default', 'gone', ...this.#all.map((d) => d.deviceId)]);
    this.#track(`use(${deviceId})`, microphone.use(deviceId));
  }

  async #tap(): Promise<void> {
    const rate =
      this.#taps.length === 0
        ? this.#page.context.sampleRate
        : this.#pick([16_000, this.#page.context.sampleRate]);
    const before = this.#page.context.frame;
    const capture = await this.#during(
      Capture.create(this.#page.asContext, this.#microphone!, {
        format: 'f32',
        sampleRate: rate,
        chunkDurationMs: this.#pick([10, 20, 100]),
        bufferDurationMs: 20_000,
      }),
    );
    const chunks: Chunk[] = [];
    capture.addEventListener('chunk', ({ detail }) => void chunks.push(detail));
    this.#taps.push({ capture, rate, chunks, bornAt: before, closed: false });
  }

  // --- time ------------------------------------------------------------------------------------------------------------

  /** Lets the page run for so long. */
  async #pass(ms: number): Promise<void> {
    const { context } = this.#page;
    const quantumMs = (context.quantum / context.sampleRate) * 1000;
    let left = ms;
    while (left > 0) {
      const stepMs = Math.min(left, 20);
      left -= stepMs;
      this.#carry += stepMs;
      const quanta = Math.floor(this.#carry / quantumMs);
      this.#carry -= quanta * quantumMs;
      vi.advanceTimersByTime(stepMs);
      await this.#page.render(quanta);
    }
  }

  async #during<Result>(promise: Promise<Result>): Promise<Result> {
    const call = this.#track('create', promise);
    for (let i = 0; i < 100 && call.outcome === null; i++) await this.#pass(20);
    expect(call.outcome, 'it is made').toBe('done');
    return promise;
  }

  #someTime(): number {
    const kind = this.#random();
    if (kind < 0.15) return 0;
    if (kind < 0.75) return this.#between(3, 400);
    if (kind < 0.95) return this.#between(400, 2500);
    return this.#between(2500, 8000);
  }

  // --- what must hold --------------------------------------------------------------------------------------------------

  /** For listeners, in which nothing may throw. */
  #hold(holds: boolean, rule: string): void {
    if (!holds && !this.#broken.includes(rule)) this.#broken.push(rule);
  }

  #track(name: string, promise: Promise<unknown>): Call {
    const call: Call = { name, outcome: null };
    this.#calls.push(call);
    promise.then(
      () => (call.outcome = 'done'),
      (error: unknown) => {
        const { code } = error as { code?: string };
        call.outcome = typeof code === 'string' ? code : `not a MicwireError: ${String(error)}`;
      },
    );
    return call;
  }

  #follow(microphone: Microphone): void {
    let state = microphone.state;
    this.#states.push(state);
    microphone.addEventListener('statechange', () => {
      this.#hold(microphone.state !== state, 'each statechange is a change');
      this.#hold(state !== 'closed', 'no statechange follows the end');
      state = microphone.state;
      this.#states.push(state);
      this.#note(`→ ${state}`);
    });
    microphone.addEventListener('gap', ({ detail }) => {
      this.#hold(microphone.state !== 'closed', 'no gap follows the end');
      this.#hold(detail.frames > 0, 'a gap has frames');
      const last = this.#gaps.at(-1);
      this.#hold(!(last && detail.contextTime <= last.gap.contextTime), 'gaps come in order');
      this.#gaps.push({ gap: detail });
    });
    let cause: string | null = null;
    microphone.addEventListener('silent', ({ detail }) => {
      this.#hold(detail.cause !== cause, 'each silent event is a change');
      this.#hold((detail.kind === null) === (detail.cause === null), 'kind and cause agree');
      cause = detail.cause;
    });
    microphone.addEventListener('error', ({ detail }) => this.#note(`error ${detail.code}`));
  }

  #checkNow(microphone: Microphone): void {
    expect(this.#rejections, 'no unhandled rejection').toEqual([]);
    expect(this.#broken).toEqual([]);
    const { open } = this.#page;
    expect(open.length, 'two tracks at most').toBeLessThanOrEqual(2);
    if (microphone.muted === 'light' && !this.#pending.includes('light')) {
      expect(open, 'the light is out').toEqual([]);
    }
    if (microphone.state === 'live')
      expect(microphone.device, 'live means a device').not.toBeNull();
    for (const { capture } of this.#taps) {
      const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
      expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
    }
  }

  #calm(): void {
    this.#answering = 'quickly';
    this.#listing = 'well';
    this.#refusal = null;
    this.#page.silent.clear();
    this.#page.devices = [...this.#all];
    this.#status.state = 'granted';
    this.#status.dispatchEvent(new Event('change'));
    this.#see(true);
    this.#page.document.dispatchEvent(new Event('resume'));
    this.#page.media.dispatchEvent(new Event('devicechange'));
    this.#page.context.enter('running');
    for (const track of this.#page.open) if (track.muted) track.setMuted(false);
  }

  /** Everything is as it should be: the microphone becomes live, and from then on every frame is the device's. */
  async #settle(microphone: Microphone): Promise<void> {
    this.#note('calm');
    this.#calm();
    this.#track('last unmute', microphone.unmute());
    if (microphone.held === false) microphone.hold();
    await this.#pass(100);
    // Where the engine tells of no permission, only a call asks again.
    if (this.#options.reacquire !== 'any' || microphone.state === 'blocked') {
      this.#track('last use', microphone.use(this.#all[0]!.deviceId));
    }
    for (let i = 0; i < 150 && microphone.state !== 'live'; i++) await this.#pass(1000);
    expect(microphone.state, 'becomes live when nothing is in the way').toBe('live');
    // Calls of getUserMedia that are never answered hold up the next ones for a minute.
    for (let i = 0; i < 150 && this.#pending.length > 0; i++) await this.#pass(1000);
    expect(this.#pending, 'calls settle').toEqual([]);
    // It may still be on its way back to the device that was chosen.
    await this.#pass(10_000);
    expect(this.#page.open, 'one track is open').toHaveLength(1);
    expect(microphone.device?.label, 'the device is the open track’s').toBe(
      this.#page.open[0]!.label,
    );
    expect(microphone.stats.missingFrames).toBeGreaterThanOrEqual(0);
    // The rest is exact.
    const from = this.#page.context.frame;
    const before = this.#taps.map(({ capture }) => capture.stats.droppedFrames);
    await this.#pass(1500);
    for (const [index, tap] of this.#taps.entries()) {
      if (tap.closed) continue;
      expect(tap.capture.stats.droppedFrames, 'nothing is dropped in peace').toBe(before[index]);
      if (tap.rate !== this.#page.context.sampleRate) continue;
      let exact = 0;
      let other = 0;
      forEachFrame(tap, (sample, frame) => {
        if (frame < from) return;
        const read = readSignal(sample);
        if (process.env['DBG'] && other === 3000) console.log(sample, frame, read, frame % 65_536);
        if (read !== null && read.frame === frame % 65_536) exact++;
        else other++;
      });
      expect(exact, 'audio arrives in peace').toBeGreaterThan(0);
      expect(other, 'every frame is the device’s in peace').toBe(0);
    }
  }

  async #end(microphone: Microphone): Promise<void> {
    const { context } = this.#page;
    const way = this.#pick([
      'microphone',
      'microphone first',
      'context',
      'captures first',
    ] as const);
    this.#note(`end: ${way}`);
    if (way === 'captures first') {
      for (const tap of this.#taps) this.#track('capture.close', tap.capture.close());
      await this.#pass(100);
    }
    const closedAt = context.frame;
    const running = context.state === 'running';
    if (way === 'context') context.enter('closed');
    else this.#track('close', microphone.close());
    expect(microphone.state).toBe('closed');
    expect(microphone.close()).toBe(microphone.close());
    await this.#pass(30);
    const { presentFrames, missingFrames, pausedFrames } = microphone.stats;
    if (way !== 'context' && running) {
      const counted = presentFrames + missingFrames + pausedFrames;
      expect(counted, 'every frame is counted').toBe(closedAt - context.worklets[0]!.bornAt);
    }
    for (const meter of this.#meters) this.#track('meter.close', meter.close());
    for (const { capture } of this.#taps) this.#track('capture.close', capture.close());
    this.#track('use after the end', microphone.use(null));
    await this.#pass(1500);
    // What is answered late is not to open anything. Nothing has to be rendered for that.
    if (context.state === 'running') context.enter('suspended');
    await this.#pass(30_000);
    expect(this.#calls.at(-1)).toMatchObject({ outcome: 'closed' });
    this.#checkTaps();
    this.#checkEnd();
  }

  #checkTaps(): void {
    const { sampleRate, quantum } = this.#page.context;
    for (const tap of this.#taps) {
      const { capture, chunks, rate } = tap;
      const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
      expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
      let next = 0;
      let dropped = 0;
      let end = -Infinity;
      for (const [index, chunk] of chunks.entries()) {
        expect(chunk.sequence, 'chunks are numbered').toBe(index);
        expect(chunk.frame, 'frames are numbered').toBe(next + chunk.dropped);
        next = chunk.frame + chunk.frames;
        dropped += chunk.dropped;
        expect(chunk.contextTime, 'time does not run backwards').toBeGreaterThan(end - 2 / rate);
        end = chunk.contextTime + chunk.frames / rate;
      }
      expect(
        capturedFrames,
        'all that was captured is in chunks or dropped',
      ).toBeGreaterThanOrEqual(next);
      expect(droppedFrames).toBeGreaterThanOrEqual(dropped);
      if (rate !== sampleRate) continue;
      const open = new Set(this.#page.tracks.map(({ device }) => device.number));
      let odd = 0;
      forEachFrame(tap, (sample, frame) => {
        const read = readSignal(sample);
        if (read === null) return;
        if (read.frame !== frame % 65_536 || !open.has(read.device)) odd++;
      });
      expect(odd, 'frames that are neither silence nor of their own time').toBeLessThanOrEqual(
        this.#fades * (FADE * (sampleRate / 48_000) + 2 * quantum),
      );
    }
  }

  get #pending(): string[] {
    return this.#calls.filter(({ outcome }) => outcome === null).map(({ name }) => name);
  }

  #checkEnd(): void {
    expect(this.#rejections, 'no unhandled rejection').toEqual([]);
    expect(this.#broken).toEqual([]);
    expect(this.#pending, 'calls settle').toEqual([]);
    const odd = this.#calls
      .filter(({ outcome }) => outcome!.startsWith('not a'))
      .map(({ name, outcome }) => `${name}: ${outcome}`);
    expect(odd, 'failures are MicwireErrors').toEqual([]);
    expect(this.#page.open, 'every track is stopped').toEqual([]);
    expect(this.#locks, 'the screen may turn off').toBe(0);
    expect(this.#session.type, 'the session is given back').toBe('auto');
    const left = Object.entries(this.#listening).flatMap(([name, types]) =>
      types().map((type) => `${name}: ${type}`),
    );
    expect(left, 'no listener is left').toEqual([]);
    expect(vi.getTimerCount(), 'no timer is left').toBe(0);
    const edges = this.#page.context.worklets.flatMap((node) => node.edges);
    expect(edges, 'nothing is connected').toEqual([]);
  }

  // --- chance ----------------------------------------------------------------------------------------------------------

  #note(what: string): void {
    this.#log.push(what);
  }
  #chance(probability: number): boolean {
    return this.#random() < probability;
  }
  #between(low: number, high: number): number {
    return Math.round(low + this.#random() * (high - low));
  }
  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}

/** Calls with the first channel of every frame that a capture has delivered, and the context's frame that it is of. */
function forEachFrame({ chunks, rate }: Tap, call: (sample: number, frame: number) => void): void {
  for (const chunk of chunks) {
    const at = Math.round(chunk.contextTime * rate);
    const samples = new Float32Array(
      chunk.bytes.buffer,
      chunk.bytes.byteOffset,
      chunk.frames * chunk.channels,
    );
    for (let i = 0; i < chunk.frames; i++) call(samples[i * chunk.channels]!, at + i);
  }
}
