import { oneOf } from '../../core/arguments.ts';
import { checkObject } from '../../core/option-names.ts';
import { connectSource, disconnectSource, openSource } from '../capture-source.ts';
import type { CaptureSource } from '../capture-source.ts';
import { Recorder } from '../recorder.ts';
import type { RecorderOptions } from '../recorder-options.ts';

/** Options of `session.record`: those of a `Recorder`, and which sides to record. */
export interface SessionRecordOptions extends Omit<RecorderOptions, 'channels'> {
  /**
   * `'both'` records the user on the left channel and the agent on the right; `'user'` or `'agent'` records one of them, in mono.
   * @default 'both'
   */
  readonly channels?: 'both' | 'user' | 'agent';
}

/** The nodes of the two sides. */
interface Sides {
  readonly context: AudioContext;
  readonly user: CaptureSource | null;
  readonly agent: AudioNode;
}

/** Time constant of a mute, in seconds: short, but free of clicks. */
const MUTE_SECONDS = 0.005;

/** A recording of a session. Both sides run in one graph, so that they stay aligned to the frame. */
export class SessionRecording {
  readonly recorder: Recorder;
  readonly #user: GainNode | null;

  /** @throws as `Recorder.create`; TypeError if a requested side does not exist */
  static async open(sides: Sides, options: SessionRecordOptions): Promise<SessionRecording> {
    checkObject('session.record: options must be an object', options);
    const { channels: given, ...rest } = options;
    const channels = oneOf('channels', given ?? 'both', ['both', 'user', 'agent']);
    if (channels === 'user' && sides.user === null) {
      throw new TypeError("channels 'user' needs a session with a microphone.");
    }
    const { context, agent } = sides;
    const user = channels === 'agent' ? null : openUser(context, sides.user);
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    user?.gain.connect(merger, 0, 0);
    if (channels === 'both') agent.connect(merger, 0, 1);
    const release = (): void => {
      user?.release();
      if (channels === 'both') disconnectAgent(agent, merger);
    };
    const source = { both: merger, user: user?.gain ?? merger, agent }[channels];
    try {
      const recorder = await Recorder.create(context, source, {
        ...rest,
        channels: channels === 'both' ? 2 : 1,
      });
      recorder.addEventListener('statechange', function onState() {
        if (recorder.state === 'recording' || recorder.state === 'paused') return;
        recorder.removeEventListener('statechange', onState);
        release();
      });
      return new SessionRecording(recorder, user?.gain ?? null);
    } catch (error) {
      release();
      throw error;
    }
  }

  private constructor(recorder: Recorder, user: GainNode | null) {
    this.recorder = recorder;
    this.#user = user;
  }

  /** True once the recording has ended. */
  get isOver(): boolean {
    return this.recorder.state !== 'recording' && this.recorder.state !== 'paused';
  }

  /** Mutes or unmutes the user's side. */
  mute(muted: boolean): void {
    const { gain, context } = this.#user ?? {};
    gain?.setTargetAtTime(muted ? 0 : 1, context!.currentTime, MUTE_SECONDS);
  }

  /** Completes the file: `recorder.stop()` returns it. */
  end(): void {
    void this.recorder.capture.close();
  }
}

/** Disconnects the agent's node. A session that has ended has already disconnected it. */
function disconnectAgent(agent: AudioNode, merger: AudioNode): void {
  try {
    agent.disconnect(merger, 0, 1);
  } catch {
    // Not connected any more (Web Audio §1.5.3, InvalidAccessError).
  }
}

/** Creates a separate node with the user's audio in mono, which can be muted. */
function openUser(
  context: AudioContext,
  user: CaptureSource | null,
): { readonly gain: GainNode; readonly release: () => void } | null {
  if (user === null) return null;
  const source = openSource(context, user);
  const gain = new GainNode(context, { channelCount: 1, channelCountMode: 'explicit' });
  try {
    connectSource(source, gain);
  } catch (error) {
    source.release();
    throw error;
  }
  const release = (): void => {
    disconnectSource(source, gain);
    gain.disconnect();
  };
  return { gain, release };
}
