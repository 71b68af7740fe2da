import { echoConstraint, planEcho } from '../../core/microphone/echo-plan.ts';
import type {
  EchoEngine,
  EchoMode,
  EchoPlan,
  EchoSetting,
} from '../../core/microphone/echo-plan.ts';
import { engineFamily } from '../engine-family.ts';
import type { Speaker } from '../speaker/speaker.ts';

/**
 * Opens a track with the echo cancellation that a mode asks for.
 * @throws what `getUserMedia` throws
 */
export async function openTrack(
  mode: EchoMode,
  constraints: MediaTrackConstraints,
): Promise<MediaStream> {
  const stream = await ask(mode, constraints, false);
  const track = stream.getAudioTracks()[0]!;
  if (mode === 'none' || track.getSettings().echoCancellation !== false) return stream;
  // Chromium silently drops it when all other processing is off.
  try {
    const second = await ask(mode, constraints, true);
    track.stop();
    return second;
  } catch {
    return stream;
  }
}

/** Carries out a microphone's echo plan, and routes the speaker as the plan requires. */
export class MicrophoneEcho {
  readonly mode: EchoMode;
  readonly #speaker: Speaker | null;
  readonly #sampleRate: number;
  #track: MediaStreamTrack | null = null;
  #deviceRate = true;

  /** @param sampleRate sample rate of the context, in Hz */
  constructor(mode: EchoMode, speaker: Speaker | null, sampleRate: number) {
    this.mode = mode;
    this.#speaker = speaker;
    this.#sampleRate = sampleRate;
  }

  /** The current plan; null while there is no track. */
  get plan(): EchoPlan | null {
    const speaker = this.#speaker;
    return this.#planFor(speaker === null || speaker.device === null);
  }

  /** Adopts the track in use: makes the speaker play by a route that the track's canceller hears. */
  async take(track: MediaStreamTrack | null): Promise<void> {
    this.#track = track;
    if (track === null) return;
    this.#deviceRate = this.#sampleRate === (outputRate() ?? this.#sampleRate);
    await this.#speaker?.setRoutePlanner(
      (defaultOutput) => this.#planFor(defaultOutput)?.route ?? 'context',
    );
  }

  /** Restores the speaker's route. */
  async close(): Promise<void> {
    this.#track = null;
    await this.#speaker?.setRoutePlanner(null);
  }

  #planFor(defaultOutput: boolean): EchoPlan | null {
    const track = this.#track;
    if (track === null) return null;
    const granted = (track.getSettings().echoCancellation ?? null) as EchoSetting | null;
    return planEcho(this.mode, engineOf(track), {
      granted,
      defaultOutput,
      deviceRate: this.#deviceRate,
    });
  }
}

async function ask(
  mode: EchoMode,
  constraints: MediaTrackConstraints,
  exact: boolean,
): Promise<MediaStream> {
  // The DOM's types do not allow strings here yet.
  const echoCancellation = echoConstraint(mode, exact) as ConstrainBoolean;
  return navigator.mediaDevices.getUserMedia({ audio: { ...constraints, echoCancellation } });
}

/**
 * Identifies the engine. Engines differ in what their cancellers hear, and no feature reveals it; each family is recognized by a
 * global that only it has.
 */
function engineOf(track: MediaStreamTrack): EchoEngine {
  const modes = track.getCapabilities?.().echoCancellation as readonly EchoSetting[] | undefined;
  return {
    family: engineFamily(),
    modes: modes ?? null,
    elements: typeof Audio === 'function',
    calls: typeof RTCPeerConnection === 'function',
  };
}

/**
 * Returns the sample rate of the default output: the rate of a context that is created without one. No other property reveals it.
 */
function outputRate(): number | undefined {
  const family = engineFamily();
  // In other engines the answer makes no difference.
  if (family !== 'chromium' && family !== 'gecko') return undefined;
  if (typeof AudioContext !== 'function') return undefined;
  try {
    const context = new AudioContext();
    const { sampleRate } = context;
    context.close().catch(() => {});
    return sampleRate;
  } catch {
    // The engine allows no more contexts.
    return undefined;
  }
}
