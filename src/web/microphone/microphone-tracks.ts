import type { OpenedTrack } from '../../core/microphone/life-messages.ts';
import { deferred } from '../patience.ts';

/** A track that is in use or about to be. */
interface OpenTrack {
  readonly stream: MediaStream;
  readonly track: MediaStreamTrack;
  /** The format in the settings, to notice when the device changes it. */
  format: string;
  /** The source node, while the track is connected. */
  node: MediaStreamAudioSourceNode | null;
  input: 0 | 1;
  forget(): void;
}

/** Events of {@link MicrophoneTracks}. */
export interface TracksListener {
  opened(track: OpenedTrack): void;
  refused(request: number, name: string): void;
  ended(request: number): void;
  muted(request: number, muted: boolean): void;
  changed(request: number): void;
}

/** The tracks that a microphone has opened, by the number of their request, and the inputs that they are connected to. */
export class MicrophoneTracks {
  readonly #listener: TracksListener;
  readonly #open = new Map<number, OpenTrack>();
  /** Tracks that stop when their fade has ended. */
  readonly #leaving = new Map<
    OpenTrack,
    { readonly end: () => void; readonly stopped: Promise<void> }
  >();
  /** Requests that were cancelled. */
  readonly #unwanted = new Set<number>();
  /** The track that was heard last, and the one that was connected last. */
  #heard: OpenTrack | null = null;
  #connected: OpenTrack | null = null;
  /** Lost frames of the tracks that have been stopped. */
  #lostBefore = 0;

  constructor(listener: TracksListener) {
    this.#listener = listener;
  }

  /** Opens a track. `opened` or `refused` is called later. @param open calls `getUserMedia` */
  async open(request: number, open: () => Promise<MediaStream>): Promise<void> {
    try {
      this.#take(request, await open());
    } catch (error) {
      this.#unwanted.delete(request);
      this.#listener.refused(request, error instanceof Error ? error.name : 'UnknownError');
    }
  }

  /** Connects a track to an input that is not in use. @returns the input; undefined when the track is gone */
  connect(request: number, target: AudioNode): 0 | 1 | undefined {
    const open = this.#open.get(request);
    if (open === undefined) return undefined;
    if (open.node === null) {
      const { context } = target;
      open.input = this.#freeInput();
      open.node = (context as AudioContext).createMediaStreamSource(open.stream);
      open.node.connect(target, 0, open.input);
    }
    this.#connected = open;
    return open.input;
  }

  /** Marks the track as in use. */
  heard(request: number): void {
    this.#heard = this.#open.get(request) ?? this.#heard;
  }

  /**
   * Stops a track, or cancels one that is still being opened.
   * @param afterMs time for a fade in progress to end. Until then the track counts as open for `stopped`
   */
  stop(request: number, afterMs = 0): void {
    const open = this.#open.get(request);
    if (open === undefined) {
      this.#unwanted.add(request);
      return;
    }
    this.#open.delete(request);
    open.forget();
    if (this.#heard === open) this.#heard = null;
    if (this.#connected === open) this.#connected = this.#heard;
    if (afterMs === 0) this.#end(open);
    else {
      const stopped = deferred<void>();
      const end = (): void => {
        clearTimeout(timer);
        this.#leaving.delete(open);
        this.#end(open);
        stopped.resolve();
      };
      const timer = setTimeout(end, afterMs);
      this.#leaving.set(open, { end, stopped: stopped.promise });
    }
  }

  /** Resolves when all tracks with a delayed stop have stopped. */
  async stopped(): Promise<void> {
    await Promise.all([...this.#leaving.values()].map(({ stopped }) => stopped));
  }

  /** Checks for changes that fire no event: a track that the page itself stopped, or a changed format. Called twice a second. */
  look(): void {
    for (const [request, open] of this.#open) {
      if (open.track.readyState === 'ended') this.#listener.ended(request);
      else this.#compare(request, open);
    }
  }

  /** The settings of the track in use; null while no track is in use. */
  get settings(): MediaTrackSettings | null {
    return this.#connected?.track.getSettings() ?? null;
  }

  /** The track in use; null while no track is in use. */
  get track(): MediaStreamTrack | null {
    return this.#connected?.track ?? null;
  }

  /** Frames that the system lost, over all tracks so far; null where the engine does not report them. */
  get lostFrames(): number | null {
    if (!('stats' in MediaStreamTrack.prototype)) return null;
    let lost = this.#lostBefore;
    for (const { track } of this.#open.values()) lost += lostFrames(track) ?? 0;
    for (const { track } of this.#leaving.keys()) lost += lostFrames(track) ?? 0;
    return lost;
  }

  close(): void {
    for (const request of this.#open.keys()) this.stop(request);
    for (const { end } of this.#leaving.values()) end();
  }

  #end({ track, node }: OpenTrack): void {
    this.#lostBefore += lostFrames(track) ?? 0;
    track.stop();
    node?.disconnect();
  }

  #take(request: number, stream: MediaStream): void {
    const track = stream.getAudioTracks()[0]!;
    if (this.#unwanted.delete(request)) {
      track.stop();
      return;
    }
    const listener = this.#listener;
    const onEnded = (): void => listener.ended(request);
    const onMute = (): void => listener.muted(request, track.muted);
    const open: OpenTrack = {
      stream,
      track,
      format: formatOf(track),
      node: null,
      input: 0,
      forget: () => {
        track.removeEventListener('ended', onEnded);
        track.removeEventListener('mute', onMute);
        track.removeEventListener('unmute', onMute);
        track.removeEventListener('configurationchange', onConfiguration);
      },
    };
    const onConfiguration = (): void => this.#compare(request, open);
    track.addEventListener('ended', onEnded);
    track.addEventListener('mute', onMute);
    track.addEventListener('unmute', onMute);
    // Media Capture Extensions, `configurationchange`.
    track.addEventListener('configurationchange', onConfiguration);
    this.#open.set(request, open);
    const { deviceId = '', groupId = '' } = track.getSettings();
    listener.opened({ request, deviceId, groupId, label: track.label, muted: track.muted });
  }

  /** Returns the input without a track; if both have one, the input whose track is not in use. */
  #freeInput(): 0 | 1 {
    let taken = 0;
    for (const { node, input } of [...this.#open.values(), ...this.#leaving.keys()]) {
      if (node !== null) taken |= 1 << input;
    }
    if (taken !== 3) return (taken & 1) === 0 ? 0 : 1;
    return (this.#heard ?? this.#connected)?.input === 0 ? 1 : 0;
  }

  #compare(request: number, open: OpenTrack): void {
    const format = formatOf(open.track);
    if (format === open.format) return;
    open.format = format;
    this.#listener.changed(request);
  }
}

function formatOf(track: MediaStreamTrack): string {
  const { sampleRate, channelCount, groupId } = track.getSettings();
  return `${sampleRate} ${channelCount} ${groupId}`;
}

/** `MediaStreamTrack.stats` (Media Capture Extensions), as the engine reports it; null where the engine does not support it. */
export function trackStats(track: MediaStreamTrack): Record<string, number> | null {
  const { stats } = track as { readonly stats?: { toJSON?(): Record<string, number> } | null };
  return stats?.toJSON?.() ?? null;
}

/** Returns the number of frames that did not reach the page. */
function lostFrames(track: MediaStreamTrack): number | null {
  const stats = trackStats(track);
  if (stats === null) return null;
  const { totalFrames = 0, deliveredFrames = 0 } = stats;
  return Math.max(0, totalFrames - deliveredFrames);
}
