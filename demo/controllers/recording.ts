import { Recorder } from 'micwire';
import type { RecorderContainer } from 'micwire';
import { TruePeakMeter } from 'micwire/metering';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { Problem } from '../audio/problem.ts';
import { problemOf } from '../audio/problem.ts';
import type { Source } from '../audio/source.ts';

/** A finished recording. */
export interface RecordedFile {
  /** Good until the next recording begins. */
  readonly url: string;
  readonly name: string;
  readonly bytes: number;
  /** As a decoder reports it. */
  readonly seconds: number;
  /** Of the loudest channel, dBTP; null where the file is too long to be decoded here, or the browser cannot. */
  readonly truePeakDbtp: number | null;
}

/** Decoded, a minute of mono takes 11 MB: longer files are not measured. */
const MEASURED_SECONDS = 600;

/** Opus's own, Hz. */
const DECODE_RATE = 48_000;

/** Bit/s of recordings in Opus. */
export const RECORDING_BITRATE = 32_000;

/** Owns one recording at a time, of the source that it follows. The element that holds it draws. */
export class Recording implements ReactiveController {
  container: RecorderContainer = 'ogg';
  /** `'busy'`: being opened or completed. */
  phase: 'idle' | 'busy' | 'recording' | 'paused' = 'idle';
  problem: Problem | null = null;
  file: RecordedFile | null = null;
  readonly #host: ReactiveControllerHost;
  #source: Source | null = null;
  #recorder: Recorder | null = null;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.follow(null);
    this.#forgetFile();
  }

  /** Records from another source from now on; a recording in progress is completed. */
  follow(source: Source | null): void {
    if (source === this.#source) return;
    this.#source = source;
    if (this.phase === 'busy' && this.#recorder === null) this.#enter('idle');
    else void this.stop();
  }

  get seconds(): number {
    return this.#recorder?.durationSeconds ?? this.file?.seconds ?? 0;
  }

  get bytes(): number {
    return this.#recorder?.size ?? this.file?.bytes ?? 0;
  }

  /** dBFS; −Infinity is silence, and while nothing is recorded. */
  get level(): number {
    return this.phase === 'recording' && this.#recorder ? this.#recorder.levelDbfs : -Infinity;
  }

  /** Begins to record. */
  async start(context: BaseAudioContext): Promise<void> {
    const { container } = this;
    const source = this.#source;
    if (source === null || this.phase !== 'idle') return;
    this.#forgetFile();
    this.problem = null;
    this.#enter('busy');
    try {
      // In a context that is closed meanwhile this may never settle: `follow` does not wait for it.
      const recorder = await Recorder.create(
        context,
        source.microphone ?? source.node,
        container === 'wav' ? { container } : { container, bitrate: RECORDING_BITRATE },
      );
      if (source !== this.#source) return void recorder.stop().catch(() => {});
      this.#recorder = recorder;
      // The track may end, or the file fail, without a request.
      recorder.addEventListener('statechange', () => {
        if (recorder.state === 'stopped' || recorder.state === 'failed') void this.stop();
      });
      this.#enter('recording');
    } catch (error) {
      if (source !== this.#source) return;
      this.problem = problemOf(error);
      this.#enter('idle');
    }
  }

  /** Pauses the recording, or continues it. */
  async togglePause(): Promise<void> {
    const { phase } = this;
    const recorder = this.#recorder;
    if (recorder === null) return;
    if (phase === 'recording') {
      this.#enter('paused');
      await recorder.pause();
    } else if (phase === 'paused') {
      this.#enter('recording');
      await recorder.resume();
    }
  }

  /** Completes the file. */
  async stop(): Promise<void> {
    const { phase } = this;
    const recorder = this.#recorder;
    if (recorder === null || phase === 'busy') return;
    this.#enter('busy');
    try {
      const blob = await recorder.stop();
      if (blob) this.file = await fileOf(blob, recorder);
    } catch (error) {
      this.problem = problemOf(error);
    }
    this.#recorder = null;
    this.#enter('idle');
  }

  #forgetFile(): void {
    if (this.file !== null) URL.revokeObjectURL(this.file.url);
    this.file = null;
  }

  #enter(phase: Recording['phase']): void {
    this.phase = phase;
    this.#host.requestUpdate();
  }
}

async function fileOf(
  blob: Blob,
  { container, durationSeconds: duration }: Recorder,
): Promise<RecordedFile> {
  // Times have colons, which some systems do not allow in file names.
  const when = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const name = `micwire-${when}.${container}`;
  const { seconds, truePeakDbtp } =
    (duration <= MEASURED_SECONDS ? await measure(blob).catch(() => null) : null) ??
    ({ seconds: duration, truePeakDbtp: null } as const);
  return { url: URL.createObjectURL(blob), name, bytes: blob.size, seconds, truePeakDbtp };
}

/** What the file holds, not what the recorder reports. */
async function measure(blob: Blob): Promise<Pick<RecordedFile, 'seconds' | 'truePeakDbtp'>> {
  const context = new OfflineAudioContext(1, 1, DECODE_RATE);
  const sound = await context.decodeAudioData(await blob.arrayBuffer());
  const { numberOfChannels: channels, sampleRate, length } = sound;
  const meter = new TruePeakMeter({ sampleRate, channels });
  const input = Array.from({ length: channels }, (_, c) => sound.getChannelData(c));
  for (let from = 0; from < length; from += sampleRate) {
    meter.process(input, from, Math.min(length - from, sampleRate));
    // The page can draw meanwhile.
    await new Promise((resolve) => setTimeout(resolve));
  }
  // The interpolation looks ahead, and peaks are read in intervals: silence brings out the last.
  const silence = input.map(() => new Float32Array(sampleRate));
  meter.process(silence, 0, sampleRate);
  const reading = meter.createReading();
  meter.read(reading);
  return { seconds: sound.duration, truePeakDbtp: Math.max(...reading.maxTruePeakDbtp) };
}
