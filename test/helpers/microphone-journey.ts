/**
 * One seeded journey of a microphone through page, life, audio thread and captures, on a virtual clock: a system that
 * misbehaves, a user and an app that call everything in any order. What must hold is checked on the way and at the end.
 */
import { expect, vi } from 'vitest';
import { Capture, Meter, Microphone } from '../../src/web/index.ts';
import type { Chunk, MicrophoneGap, MicrophoneOptions } from '../../src/web/index.ts';
import { loadResamplerDesign } from '../../src/web/resampler-design.ts';
import { Dice } from './journey-dice.ts';
import { JourneySystem } from './journey-system.ts';
import { checkTap, forEachFrame } from './journey-tap.ts';
import type { Tap } from './journey-tap.ts';
import { MicrophonePage, deviceNumber, readSignal } from './microphone-page.ts';

/** A call of the app, which has to settle. */
interface Call {
  readonly name: string;
  outcome: string | null;
}

export class MicrophoneJourney {
  readonly #page: MicrophonePage;
  readonly #dice: Dice;
  readonly #system: JourneySystem;
  readonly #calls: Call[] = [];
  readonly #taps: Tap[] = [];
  readonly #meters: Meter[] = [];
  readonly #gaps: MicrophoneGap[] = [];
  readonly #rejections: unknown[] = [];
  /** What did not hold in a listener. */
  readonly #broken: string[] = [];
  /** Fades that are not a device's. */
  #fades = 4;
  #microphone: Microphone | null = null;
  /** Of a quantum that is not over, ms. */
  #carry = 0;
  #options: MicrophoneOptions = {};

  private constructor(page: MicrophonePage, system: JourneySystem, dice: Dice) {
    this.#page = page;
    this.#system = system;
    this.#dice = dice;
  }

  /** Runs the journey of a seed. @throws what does not hold, with the way there */
  static async run(seed: number): Promise<void> {
    const dice = new Dice(seed);
    const all = [1, 2, 3].map((number) => deviceNumber(number));
    const quantum = dice.pick([128, 128, 128, 64, 256, 512, 2048]);
    const sampleRate = dice.pick([48_000, 48_000, 44_100, 16_000, 96_000]);
    vi.useFakeTimers({
      now: 1e12,
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    });
    // Modules load in real time.
    await loadResamplerDesign(48_000, 16_000, 'hq');
    const page = await MicrophonePage.open(all, { quantum, sampleRate });
    const journey = new MicrophoneJourney(page, new JourneySystem(page, all, dice), dice);
    const onRejection = (error: unknown): void => void journey.#rejections.push(error);
    process.on('unhandledRejection', onRejection);
    try {
      dice.note(`quantum ${quantum}, ${sampleRate} Hz`);
      await journey.#travel();
    } catch (error) {
      const way = `seed ${seed}: ${dice.log.join(' · ')}`;
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
    this.#options = this.#someOptions();
    if (this.#dice.chance(0.15)) this.#system.disturb();
    const opening = Microphone.open(this.#page.asContext, this.#options);
    const opened = this.#track('open', opening);
    for (let i = 0; i < 40 && opened.outcome === null; i++) {
      if (i > 2 && this.#dice.chance(0.1)) this.#system.disturb();
      await this.#pass(this.#dice.between(5, 600));
    }
    if (opened.outcome === null) {
      this.#dice.note('calm while opening');
      this.#system.calm();
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
    const steps = 6 + this.#dice.between(0, 25);
    for (let i = 0; i < steps && microphone.state !== 'closed'; i++) {
      if (this.#dice.chance(0.5)) this.#system.disturb();
      else await this.#act(microphone);
      this.#checkNow(microphone);
      await this.#pass(this.#someTime());
    }
    if (this.#dice.chance(0.75)) await this.#settle(microphone);
    await this.#end(microphone);
  }

  #someOptions(): MicrophoneOptions {
    const pushToTalk = this.#dice.chance(0.35);
    const options: MicrophoneOptions = {
      deviceId: this.#dice.pick([null, null, 'device-1', 'device-2', 'device-9', '']),
      reacquire: this.#dice.pick(['any', 'any', 'any', 'same', 'never']),
      ifBlocked: this.#dice.pick(['reject', 'wait', 'wait']),
      channels: this.#dice.pick([1, 1, 2]),
      silenceMs: this.#dice.pick([200, 1000, 3000]),
      echo: this.#dice.pick(['auto', 'none', 'browser']),
      ...(pushToTalk ? { pushToTalk, preRollMs: this.#dice.pick([0, 1, 20, 300, 1000]) } : {}),
    };
    this.#dice.note(JSON.stringify(options));
    return options;
  }

  // --- the app ---------------------------------------------------------------------------------------------------------

  async #act(microphone: Microphone): Promise<void> {
    const what = this.#dice.pick([
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
    this.#dice.note(what);
    const tap = this.#taps.length === 0 ? undefined : this.#dice.pick(this.#taps);
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
          await this.#pass(this.#dice.between(1, 200));
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
    const deviceId = this.#dice.pick([
      null,
      '',
      'default',
      'gone',
      ...this.#system.all.map((d) => d.deviceId),
    ]);
    this.#track(`use(${deviceId})`, microphone.use(deviceId));
  }

  async #tap(): Promise<void> {
    const rate =
      this.#taps.length === 0
        ? this.#page.context.sampleRate
        : this.#dice.pick([16_000, this.#page.context.sampleRate]);
    const capture = await this.#during(
      Capture.create(this.#page.asContext, this.#microphone!, {
        format: 'f32',
        sampleRate: rate,
        chunkDurationMs: this.#dice.pick([10, 20, 100]),
        bufferDurationMs: 20_000,
      }),
    );
    const chunks: Chunk[] = [];
    capture.addEventListener('chunk', ({ detail }) => void chunks.push(detail));
    this.#taps.push({ capture, rate, chunks, closed: false });
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
    const kind = this.#dice.between(0, 1_000_000) / 1_000_000;
    if (kind < 0.15) return 0;
    if (kind < 0.75) return this.#dice.between(3, 400);
    if (kind < 0.95) return this.#dice.between(400, 2500);
    return this.#dice.between(2500, 8000);
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
    microphone.addEventListener('statechange', () => {
      this.#hold(microphone.state !== state, 'each statechange is a change');
      this.#hold(state !== 'closed', 'no statechange follows the end');
      state = microphone.state;
      this.#dice.note(`→ ${state}`);
    });
    microphone.addEventListener('gap', ({ detail }) => {
      this.#hold(microphone.state !== 'closed', 'no gap follows the end');
      this.#hold(detail.frames > 0, 'a gap has frames');
      const last = this.#gaps.at(-1);
      this.#hold(!(last && detail.contextTime <= last.contextTime), 'gaps come in order');
      this.#gaps.push(detail);
    });
    let cause: string | null = null;
    microphone.addEventListener('silent', ({ detail }) => {
      this.#hold(detail.cause !== cause, 'each silent event is a change');
      this.#hold((detail.kind === null) === (detail.cause === null), 'kind and cause agree');
      cause = detail.cause;
    });
    microphone.addEventListener('error', ({ detail }) => this.#dice.note(`error ${detail.code}`));
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

  /** Everything is as it should be: the microphone becomes live, and from then on every frame is the device's. */
  async #settle(microphone: Microphone): Promise<void> {
    this.#dice.note('calm');
    this.#system.calm();
    this.#track('last unmute', microphone.unmute());
    if (microphone.held === false) microphone.hold();
    await this.#pass(100);
    // Where the engine tells of no permission, only a call asks again.
    if (this.#options.reacquire !== 'any' || microphone.state === 'blocked') {
      this.#track('last use', microphone.use(this.#system.all[0]!.deviceId));
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
    const way = this.#dice.pick([
      'microphone',
      'microphone first',
      'context',
      'captures first',
    ] as const);
    this.#dice.note(`end: ${way}`);
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
    for (const tap of this.#taps) checkTap(tap, this.#page, this.#fades + 3 * this.#system.opened);
    this.#checkEnd();
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
    expect(this.#system.locks, 'the screen may turn off').toBe(0);
    expect(this.#system.session.type, 'the session is given back').toBe('auto');
    const left = Object.entries(this.#system.listening).flatMap(([name, types]) =>
      types().map((type) => `${name}: ${type}`),
    );
    expect(left, 'no listener is left').toEqual([]);
    expect(vi.getTimerCount(), 'no timer is left').toBe(0);
    const edges = this.#page.context.worklets.flatMap((node) => node.edges);
    expect(edges, 'nothing is connected').toEqual([]);
  }
}
