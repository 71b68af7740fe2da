import { Call, memorySignalling } from 'micwire';
import type { CallStep } from 'micwire';
import type { OpenStage } from '../controllers/session.ts';
import type { LearnPart } from './learn-voice.ts';

/** A call of WebRTC within the page: the source goes to the other end of it, and is heard there. */
export class CallBench implements LearnPart {
  /** The steps of the caller; empty before the first call. They stay when the call has ended. */
  steps: readonly CallStep[] = [];
  /** Of the last call; null before the first. */
  offer: string | null = null;
  answer: string | null = null;
  /** Whether the call is up. */
  connected = false;
  /** The two ends; null while nothing runs. */
  protected calls: readonly [caller: Call, callee: Call] | null = null;
  readonly #changed: () => void;
  #unplug = (): void => {};

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  async open({ context, source, output, outdated }: OpenStage): Promise<void> {
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.node.connect(destination);
    this.#unplug = () => {
      // The source may have been closed, and its node disconnected, before.
      try {
        source.node.disconnect(destination);
      } catch {}
    };
    const [one, other] = memorySignalling();
    const caller = Call.create(one, { track: destination.stream.getAudioTracks()[0]! });
    const callee = Call.create(other);
    this.calls = [caller, callee];
    // So that there is a data channel, and its step.
    caller.createDataChannel({ label: 'learn' });
    const follow = (): void => {
      this.steps = caller.steps;
      this.offer = caller.offer;
      this.answer = caller.answer;
      this.#changed();
    };
    caller.addEventListener('step', follow);
    await Promise.all([caller.connect(), callee.connect()]);
    if (outdated()) return;
    this.connected = true;
    callee.createSource(context).connect(output);
    follow();
  }

  shut(): void {
    this.#unplug();
    this.#unplug = () => {};
    for (const call of this.calls ?? []) void call.close();
    this.calls = null;
    this.connected = false;
  }
}
