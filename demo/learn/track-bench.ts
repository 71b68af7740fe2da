import type { OpenStage } from '../controllers/session.ts';
import type { LearnPart } from './learn-voice.ts';
import {
  ConnectionConsumer,
  ElementConsumer,
  NodeConsumer,
  RecorderConsumer,
} from './track-consumers.ts';
import type { TrackConsumer } from './track-consumers.ts';
import type { TrackWords } from './track-members.ts';
import type { ConsumerId, TrackCondition } from './track-rules.ts';
import { errorText } from '../../src/core/errors.ts';

/** A track of the visitor's audio, and its consumers. */
export class TrackBench implements LearnPart {
  /** null while nothing runs, as are `stream` and `clone`. */
  track: MediaStreamTrack | null = null;
  stream: MediaStream | null = null;
  /** null: none was made. */
  clone: MediaStreamTrack | null = null;
  /** Where the track comes from, in a sentence. */
  origin = '';
  /** What went wrong with a consumer; empty when nothing did. */
  problem = '';
  /** The consumers that are switched on. They come back with the next track. */
  readonly wanted: Set<ConsumerId> = new Set(['node']);
  readonly #changed: () => void;
  readonly #consumers = new Map<ConsumerId, TrackConsumer>();
  #stage: OpenStage | null = null;
  #volume = 0;
  #unplug = (): void => {};

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** What the track says of itself now; null while there is none. */
  get words(): TrackWords | null {
    const { track } = this;
    if (track === null) return null;
    return {
      settings: track.getSettings(),
      // Firefox before 132 has none.
      capabilities: (track.getCapabilities as typeof track.getCapabilities | undefined)
        ? track.getCapabilities()
        : null,
      constraints: track.getConstraints(),
    };
  }

  get condition(): TrackCondition {
    const { track, stream } = this;
    if (track === null || stream === null) return 'live';
    if (track.readyState === 'ended') return 'ended';
    if (!stream.getTracks().includes(track)) return 'removed';
    return track.enabled ? 'live' : 'disabled';
  }

  /** A consumer that is on; null while it is off, or on its way. */
  consumer(id: ConsumerId): TrackConsumer | null {
    return this.#consumers.get(id) ?? null;
  }

  /** The call within the page; null while it is off. */
  get connection(): ConnectionConsumer | null {
    return this.consumer('connection') as ConnectionConsumer | null;
  }

  /** @param volume of what is heard, 0..1 */
  setVolume(volume: number): void {
    this.#volume = volume;
    const element = this.consumer('element') as ElementConsumer | null;
    if (element !== null) element.volume = volume;
  }

  async open(stage: OpenStage): Promise<void> {
    const track = await this.#openTrack(stage);
    if (stage.outdated()) {
      track.stop();
      return;
    }
    this.#stage = stage;
    this.track = track;
    this.stream = new MediaStream([track]);
    for (const type of ['mute', 'unmute', 'ended']) track.addEventListener(type, this.#changed);
    await Promise.all([...this.wanted].map((id) => this.#switchOn(id)));
  }

  shut(): void {
    for (const consumer of this.#consumers.values()) consumer.close();
    this.#consumers.clear();
    this.track?.stop();
    this.clone?.stop();
    this.track = null;
    this.stream = null;
    this.clone = null;
    this.#stage = null;
    this.problem = '';
    this.wanted.delete('clone');
    this.#unplug();
    this.#unplug = () => {};
  }

  /** Switches a consumer on or off. */
  async toggle(id: ConsumerId): Promise<void> {
    if (this.wanted.delete(id)) {
      this.#consumers.get(id)?.close();
      this.#consumers.delete(id);
    } else {
      this.wanted.add(id);
      await this.#switchOn(id);
    }
    this.#changed();
  }

  /** Takes the track out of its stream, or puts it in again. */
  setInStream(isIn: boolean): void {
    if (isIn) this.stream?.addTrack(this.track!);
    else this.stream?.removeTrack(this.track!);
    this.#changed();
  }

  /** Clones the track, and has a node consume the clone. */
  async makeClone(): Promise<void> {
    if (this.track === null || this.clone !== null) return;
    this.clone = this.track.clone();
    await this.toggle('clone');
  }

  async #openTrack({ context, source }: OpenStage): Promise<MediaStreamTrack> {
    const settings = source.microphone?.settings ?? null;
    if (settings !== null) {
      const { deviceId, echoCancellation, autoGainControl, noiseSuppression } = settings;
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: {
          echoCancellation: echoCancellation ?? false,
          autoGainControl: autoGainControl ?? false,
          noiseSuppression: noiseSuppression ?? false,
          ...(deviceId !== undefined && { deviceId: { exact: deviceId } }),
        },
      });
      this.origin =
        'This one is of your microphone: the page has asked for it with getUserMedia().';
      return stream.getAudioTracks()[0]!;
    }
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.node.connect(destination);
    this.#unplug = () => {
      // The source may have been closed, and its node disconnected, before.
      try {
        source.node.disconnect(destination);
      } catch {}
    };
    this.origin =
      'This one is of a MediaStreamAudioDestinationNode, which the example plays into. Choose your microphone for the track of a device.';
    return destination.stream.getAudioTracks()[0]!;
  }

  async #switchOn(id: ConsumerId): Promise<void> {
    const stage = this.#stage;
    if (stage === null) return;
    this.problem = '';
    try {
      const consumer = await this.#make(id, stage.context);
      if (stage !== this.#stage || !this.wanted.has(id) || this.#consumers.has(id)) {
        consumer.close();
        return;
      }
      this.#consumers.set(id, consumer);
      this.setVolume(this.#volume);
    } catch (error) {
      if (stage !== this.#stage) return;
      this.wanted.delete(id);
      this.problem = errorText(error);
    }
    this.#changed();
  }

  async #make(id: ConsumerId, context: AudioContext): Promise<TrackConsumer> {
    switch (id) {
      case 'element':
        return ElementConsumer.open(context, this.stream!, this.#volume);
      case 'node':
        return NodeConsumer.open(context, this.stream!);
      case 'connection':
        return ConnectionConsumer.open(context, this.track!);
      case 'recorder':
        return new RecorderConsumer(context, this.stream!);
      case 'clone':
        return NodeConsumer.open(context, new MediaStream([this.clone!]));
    }
  }
}
