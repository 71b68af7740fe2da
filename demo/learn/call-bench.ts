import { Call, memorySignalling } from 'micwire';
import type { CallStep, Signalling } from 'micwire';
import type { OpenStage } from '../controllers/session.ts';
import type { LearnPart } from './learn-voice.ts';

/** Opens both ends of a signalling. */
type OpenSignalling = () => Promise<readonly [caller: Signalling, callee: Signalling]>;

/** Longer than a `bye` takes to the other end, ms. */
const BYE_MS = 1000;

/** A call of WebRTC within the page: the source goes to the other end of it, and is heard there. */
export class CallBench implements LearnPart {
  /** The steps of the caller; empty before the first call. They stay when the call has ended. */
  steps: readonly CallStep[] = [];
  /** Of the last call; null before the first. */
  offer: string | null = null;
  answer: string | null = null;
  /** Whether the call is up. */
  connected = false;
  readonly #changed: () => void;
  readonly #openSignalling: OpenSignalling;
  #calls: readonly [caller: Call, callee: Call] | null = null;
  #unplug = (): void => {};

  /**
   * @param changed called when anything of it has changed
   * @param openSignalling @default within the page
   */
  constructor(
    changed: () => void,
    openSignalling: OpenSignalling = async () => memorySignalling(),
  ) {
    this.#changed = changed;
    this.#openSignalling = openSignalling;
  }

  /** The end that sends the source; null while there is no call. */
  get caller(): Call | null {
    return this.#calls?.[0] ?? null;
  }

  async open({ context, source, output, outdated }: OpenStage): Promise<void> {
    const [one, other] = await this.#openSignalling();
    if (outdated()) {
      void one.close();
      void other.close();
      return;
    }
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.node.connect(destination);
    this.#unplug = () => {
      // The source may have been closed, and its node disconnected, before.
      try {
        source.node.disconnect(destination);
      } catch {}
    };
    const caller = Call.create(one, { track: destination.stream.getAudioTracks()[0]! });
    const callee = Call.create(other);
    this.#calls = [caller, callee];
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
    const [caller, callee] = this.#calls ?? [];
    // The caller hangs up, and the callee hears of it by the signalling; when that is gone it does not.
    void caller?.close();
    setTimeout(() => void callee?.close(), BYE_MS);
    this.#calls = null;
    this.connected = false;
  }
}
