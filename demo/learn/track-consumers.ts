import { Call, Meter, memorySignalling } from 'micwire';
import { decibels } from '../page/format.ts';
import { levelDbfs } from './quantiser.ts';
import { renegotiate } from './renegotiate.ts';

/** Something that takes a track's media. */
export interface TrackConsumer {
  /** RMS of what it gets, in dBFS; null where that cannot be measured. */
  readonly levelDbfs: number | null;
  /** What it says of itself, such as `paused: false`. */
  readonly facts: readonly string[];
  close(): void;
}

/** How often a recorder gives its bytes, ms. */
const TIMESLICE_MS = 500;
/** How much of the end of the decoded audio counts as now, in seconds. */
const NOW_SECONDS = 0.25;

/** Measures what a node gives. */
class LevelTap {
  readonly #meter: Meter<'rms'>;
  readonly #reading: ReturnType<Meter<'rms'>['createReading']>;

  static async open(source: AudioNode): Promise<LevelTap> {
    return new LevelTap(
      await Meter.create(source.context, { channels: 1, meters: ['rms'], source }),
    );
  }

  private constructor(meter: Meter<'rms'>) {
    this.#meter = meter;
    this.#reading = meter.createReading();
  }

  get levelDbfs(): number {
    this.#meter.read(this.#reading);
    return this.#reading.rmsDbfs[0]!;
  }

  close(): void {
    void this.#meter.close();
  }
}

/** An `<audio>` element, which is heard. */
export class ElementConsumer implements TrackConsumer {
  readonly #element = new Audio();
  #tap: LevelTap | null = null;

  /** @param volume 0..1, from the first sample on: otherwise a microphone would feed back */
  static async open(
    context: AudioContext,
    stream: MediaStream,
    volume: number,
  ): Promise<ElementConsumer> {
    const consumer = new ElementConsumer(stream);
    consumer.volume = volume;
    try {
      await consumer.#listen(context);
    } catch (error) {
      consumer.close();
      throw error;
    }
    return consumer;
  }

  private constructor(stream: MediaStream) {
    this.#element.srcObject = stream;
  }

  get levelDbfs(): number | null {
    return this.#tap?.levelDbfs ?? null;
  }

  get facts(): readonly string[] {
    const { paused, ended, currentTime } = this.#element;
    return [
      `paused: ${paused}`,
      `ended: ${ended}`,
      `currentTime: ${currentTime.toFixed(1)} s`,
      ...(this.#tap === null ? ['This browser does not let a page measure its level.'] : []),
    ];
  }

  /** @param volume 0..1 */
  set volume(volume: number) {
    this.#element.volume = volume;
  }

  close(): void {
    this.#tap?.close();
    this.#element.pause();
    this.#element.srcObject = null;
  }

  async #listen(context: AudioContext): Promise<void> {
    // Rejects when the element is closed, or its stream has ended, before it plays.
    await this.#element.play().catch(() => {});
    // The prefixed method of older Firefox versions takes the audio away from the loudspeaker.
    if (!('captureStream' in this.#element)) return;
    const captured = (this.#element.captureStream as () => MediaStream)();
    if (captured.getAudioTracks().length === 0) return;
    this.#tap = await LevelTap.open(context.createMediaStreamSource(captured));
  }
}

/** A node of Web Audio. */
export class NodeConsumer implements TrackConsumer {
  readonly #node: MediaStreamAudioSourceNode;
  readonly #tap: LevelTap;

  static async open(context: AudioContext, stream: MediaStream): Promise<NodeConsumer> {
    const node = context.createMediaStreamSource(stream);
    return new NodeConsumer(node, await LevelTap.open(node));
  }

  private constructor(node: MediaStreamAudioSourceNode, tap: LevelTap) {
    this.#node = node;
    this.#tap = tap;
  }

  get levelDbfs(): number {
    return this.#tap.levelDbfs;
  }

  get facts(): readonly string[] {
    const { mediaStream, context } = this.#node;
    return [`mediaStream.active: ${mediaStream.active}`, `context.state: ${context.state}`];
  }

  close(): void {
    this.#tap.close();
    this.#node.disconnect();
  }
}

/** A call within the page. What the other end gets is measured, and not heard. */
export class ConnectionConsumer implements TrackConsumer {
  readonly #caller: Call;
  readonly #callee: Call;
  readonly #track: MediaStreamTrack;
  readonly #tap: LevelTap;

  static async open(context: AudioContext, track: MediaStreamTrack): Promise<ConnectionConsumer> {
    const [one, other] = memorySignalling();
    const caller = Call.create(one, { track });
    const callee = Call.create(other);
    try {
      await Promise.all([caller.connect(), callee.connect()]);
      const tap = await LevelTap.open(callee.createSource(context));
      return new ConnectionConsumer(caller, callee, track, tap);
    } catch (error) {
      void caller.close();
      void callee.close();
      throw error;
    }
  }

  private constructor(caller: Call, callee: Call, track: MediaStreamTrack, tap: LevelTap) {
    this.#caller = caller;
    this.#callee = callee;
    this.#track = track;
    this.#tap = tap;
  }

  get levelDbfs(): number {
    return this.#tap.levelDbfs;
  }

  get facts(): readonly string[] {
    const [before, now] = this.#callee.history.slice(-2);
    const seconds = now === undefined ? 0 : (now.timestamp - before!.timestamp) / 1000;
    const packets =
      now === undefined
        ? '–'
        : String(Math.round((now.packetsReceived - before!.packetsReceived) / seconds));
    const remote = this.#callee.remoteTrack;
    return [
      `sender.track: ${this.isSending ? 'the track' : 'null'}`,
      `packets a second: ${packets}`,
      `remote track, muted: ${remote?.muted ?? '–'}`,
      `remote track, readyState: ${remote?.readyState ?? '–'}`,
    ];
  }

  /** Whether its sender has the track. */
  get isSending(): boolean {
    const [sender] = this.#caller.connection.getSenders();
    return sender !== undefined && sender.track !== null;
  }

  /** Takes the track away from its sender, or gives it back, and negotiates that. */
  async setSending(sends: boolean): Promise<void> {
    const { connection } = this.#caller;
    const [transceiver] = connection.getTransceivers();
    if (transceiver === undefined || sends === this.isSending) return;
    if (sends) {
      // addTrack() would open another section: it takes no sender that has sent before.
      await transceiver.sender.replaceTrack(this.#track);
      transceiver.direction = 'sendrecv';
    } else connection.removeTrack(transceiver.sender);
    await renegotiate(connection, this.#callee.connection);
  }

  close(): void {
    this.#tap.close();
    void this.#caller.close();
    void this.#callee.close();
  }
}

/** The browser's recorder. Its level is that of the last bytes it has written, decoded again. */
export class RecorderConsumer implements TrackConsumer {
  readonly #context: AudioContext;
  readonly #recorder: MediaRecorder;
  #levelDbfs: number | null = null;
  #head: Blob | null = null;
  #bytes = 0;
  #problem = '';
  #closed = false;

  /** @throws what `MediaRecorder` throws */
  constructor(context: AudioContext, stream: MediaStream) {
    this.#context = context;
    this.#recorder = new MediaRecorder(stream);
    this.#recorder.ondataavailable = ({ data }) => void this.#read(data);
    this.#recorder.onerror = (event) => {
      this.#problem = (event as Event & { error?: DOMException }).error?.name ?? 'error';
    };
    this.#recorder.start(TIMESLICE_MS);
  }

  get levelDbfs(): number | null {
    return this.#recorder.state === 'inactive' ? null : this.#levelDbfs;
  }

  get facts(): readonly string[] {
    const { state, mimeType } = this.#recorder;
    return [
      `state: ${state}`,
      `bytes: ${this.#bytes.toLocaleString('en')}`,
      ...(mimeType === '' ? [] : [mimeType]),
      ...(this.#problem === '' ? [] : [`error: ${this.#problem}`]),
    ];
  }

  close(): void {
    this.#closed = true;
    if (this.#recorder.state !== 'inactive') this.#recorder.stop();
  }

  async #read(data: Blob): Promise<void> {
    if (this.#closed || data.size === 0) return;
    this.#bytes += data.size;
    // The first piece has the file's header, without which no other can be decoded.
    const parts = this.#head === null ? [data] : [this.#head, data];
    this.#head ??= data;
    const file = await new Blob(parts).arrayBuffer();
    // A piece that begins where no decoder can start gives no level.
    const audio = await this.#context.decodeAudioData(file).catch(() => null);
    if (audio === null || this.#closed) return;
    const samples = audio.getChannelData(0);
    this.#levelDbfs = levelDbfs(samples.subarray(-Math.round(NOW_SECONDS * audio.sampleRate)));
  }
}

/** A level as text. */
export function levelText(levelDbfs: number | null): string {
  return levelDbfs === null ? '–' : `${decibels(levelDbfs)} dBFS`;
}
