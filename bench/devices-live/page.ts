import { Capture, MicwireError, Microphone } from '../../src/web/index.ts';
import { NumberedSignalReader } from '../../test/helpers/numbered-signal.ts';
import { accountOf, compareAudio, Recorder } from './recording.ts';
import type { Account, RecordedCapture } from './recording.ts';
import { PRE_ROLL_MS } from './schedule.ts';
import type { WorkerRecording } from './worker.ts';

/** What the driver asks of the page. Devices go by their labels. */
export type PageAction =
  /** Null: the default. `'gone'`: an id that nothing has. */
  | { readonly type: 'use'; readonly label: string | null }
  | { readonly type: 'mute'; readonly keep: 'time' | 'light' }
  | { readonly type: 'unmute' | 'hold' | 'release' }
  /** Keeps the page's thread busy. */
  | { readonly type: 'block'; readonly ms: number }
  | { readonly type: 'suspend' | 'resume' };

/** What the microphone was at a time, each time that it said something. */
export interface Moment {
  readonly wallMs: number;
  readonly contextTime: number;
  /** Of the event, or of the action that was done. */
  readonly what: string;
  readonly state: string;
  readonly device: string | null;
  readonly detail: unknown;
}

/** What became of the audio of the whole run. */
export interface Report {
  /** Of the capture that a Worker reads, whatever the page does. */
  readonly worker: Account;
  /** Of the one that the page reads. */
  readonly page: Account;
  readonly workerStats: Readonly<Record<string, number>>;
  readonly pageStats: Readonly<Record<string, number>>;
  readonly common: { readonly frames: number; readonly different: number };
  /** `microphone.stats` before the first event and after the last. */
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
  readonly moments: readonly Moment[];
}

/** Stats are at most a second old. */
const STATS_MS = 1100;

class LiveRun {
  readonly #context: AudioContext;
  readonly #microphone: Microphone;
  readonly #pageCapture: Capture;
  readonly #pageRecording: Promise<RecordedCapture>;
  readonly #workerCapture: Capture;
  readonly #workerRecording: Promise<WorkerRecording>;
  readonly #before: Readonly<Record<string, unknown>>;
  readonly #moments: Moment[] = [];

  /** Opens a microphone, and two captures of it. */
  static async open(label: string | null): Promise<LiveRun> {
    const context = new AudioContext({ sampleRate: 48000 });
    const options = {
      echo: 'none',
      noiseSuppression: false,
      autoGainControl: false,
      pushToTalk: true,
      preRollMs: PRE_ROLL_MS,
    } as const;
    const first = await Microphone.open(context, options);
    let microphone = first;
    if (label !== null) {
      // Labels are known only now.
      const deviceId = (await deviceIdOf(label)) ?? null;
      await first.close();
      microphone = await Microphone.open(context, { ...options, deviceId });
    }
    microphone.hold();
    const settings = {
      sampleRate: context.sampleRate,
      format: 'f32',
      chunkDurationMs: 20,
    } as const;
    const workerCapture = await Capture.create(context, microphone, settings);
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const workerRecording = new Promise<WorkerRecording>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<WorkerRecording>) => resolve(data);
      worker.onerror = reject;
    }).finally(() => worker.terminate());
    workerRecording.catch(() => {});
    await workerCapture.pipeToWorker(worker);
    const pageCapture = await Capture.create(context, microphone, settings);
    // Long enough for the first figures, and for engines to settle.
    await wait(2 * STATS_MS);
    return new LiveRun(context, microphone, pageCapture, workerCapture, workerRecording);
  }

  private constructor(
    context: AudioContext,
    microphone: Microphone,
    pageCapture: Capture,
    workerCapture: Capture,
    workerRecording: Promise<WorkerRecording>,
  ) {
    this.#context = context;
    this.#microphone = microphone;
    this.#pageCapture = pageCapture;
    this.#workerCapture = workerCapture;
    this.#workerRecording = workerRecording;
    this.#before = { ...microphone.stats };
    this.#pageRecording = (async () => {
      const recorder = new Recorder();
      for await (const chunk of pageCapture) recorder.push(chunk);
      return recorder.take();
    })();
    for (const type of [
      'statechange',
      'permissionchange',
      'devicechange',
      'gap',
      'silent',
      'error',
    ] as const) {
      microphone.addEventListener(type, (event) => {
        const { detail } = event as CustomEvent<unknown>;
        this.#note(type, detail instanceof Error ? detail.message : detail);
      });
    }
    document.addEventListener('freeze', () => this.#note('freeze'));
    document.addEventListener('resume', () => this.#note('resume'));
    document.addEventListener('visibilitychange', () => this.#note(document.visibilityState));
    context.addEventListener('statechange', () => this.#note(`context ${context.state}`));
    this.#note('start');
  }

  /** Carries out an action. @returns 'done', or the error's code */
  async act(action: PageAction): Promise<string> {
    this.#note(`${action.type} …`, action);
    const outcome = await this.#do(action).then(
      () => 'done',
      (error: unknown) => (error instanceof MicwireError ? error.code : String(error)),
    );
    this.#note(`${action.type} ${outcome}`);
    return outcome;
  }

  /** The state and the device, for the driver to wait for. */
  look(): { readonly state: string; readonly device: string | null } {
    const { state, device } = this.#microphone;
    return { state, device: device?.label ?? null };
  }

  async finish(): Promise<Report> {
    await wait(2 * STATS_MS);
    this.#note('end');
    const after = { ...this.#microphone.stats };
    await this.#pageCapture.close();
    await this.#workerCapture.close();
    const { recorded: inWorker, stats: workerStats } = await this.#workerRecording;
    const onPage = await this.#pageRecording;
    await this.#microphone.close();
    await this.#context.close();
    const reader = new NumberedSignalReader(inWorker.sampleRate);
    return {
      worker: accountOf(inWorker, reader),
      page: accountOf(onPage, reader),
      workerStats,
      pageStats: { ...this.#pageCapture.stats },
      common: compareAudio(onPage, inWorker),
      before: this.#before,
      after,
      moments: this.#moments,
    };
  }

  async #do(action: PageAction): Promise<void> {
    switch (action.type) {
      case 'use':
        await this.#microphone.use(
          action.label === null ? null : ((await deviceIdOf(action.label)) ?? 'gone'),
        );
        break;
      case 'mute':
        await this.#microphone.mute({ keep: action.keep });
        break;
      case 'unmute':
        await this.#microphone.unmute();
        break;
      case 'hold':
        this.#microphone.hold();
        break;
      case 'release':
        this.#microphone.release();
        break;
      case 'block': {
        const until = performance.now() + action.ms;
        while (performance.now() < until);
        break;
      }
      case 'suspend':
        await this.#context.suspend();
        break;
      case 'resume':
        await this.#context.resume();
        break;
    }
  }

  #note(what: string, detail: unknown = null): void {
    this.#moments.push({
      wallMs: Date.now(),
      contextTime: this.#context.currentTime,
      what,
      ...this.look(),
      detail,
    });
  }
}

async function deviceIdOf(label: string): Promise<string | undefined> {
  const devices = await Microphone.devices();
  return devices.find((device) => device.label === label)?.deviceId;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What the driver calls. */
export interface LivePage {
  run: LiveRun | undefined;
  open(label: string | null): Promise<void>;
}

const live: LivePage = {
  run: undefined,
  open: async (label) => {
    live.run = await LiveRun.open(label);
  },
};
Object.assign(globalThis, { live });
