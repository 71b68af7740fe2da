import type { SipCall, SipLadderEntry, SipPhone } from 'micwire/sip';
import type { OpenStage } from '../controllers/session.ts';
import { errorText } from '../../src/core/errors.ts';
import { CallBench } from './call-bench.ts';
import { nextCall } from './next-call.ts';

/** What the lab's server says about its telephone. */
interface ToldTelephone {
  readonly account: { readonly url: string; readonly uri: string; readonly password: string };
  readonly lines: readonly string[];
}

/** A call within the page, and beside it one with the lab's telephone, over SIP. */
export class TelephoneBench extends CallBench {
  /** The call with the telephone, or the last one; null before the first. */
  telephoneCall: SipCall | null = null;
  /** Why there is none; empty: nothing is wrong. */
  why = '';
  /** Whether the server, the phone or a call is being waited for. */
  isBusy = false;
  readonly #changed: () => void;
  #stage: OpenStage | null = null;
  #told: ToldTelephone | null = null;
  #phone: SipPhone | null = null;
  #end = (): void => {};
  /** Stops waiting for a call from the telephone. */
  #waiting = new AbortController();

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    super(changed);
    this.#changed = changed;
  }

  /** Every message between the page and the server; empty before the first call. */
  get ladder(): readonly SipLadderEntry[] {
    return this.#phone?.ladder.entries ?? [];
  }

  /** Whether the call with the telephone is up, or is about to be. */
  get isCalling(): boolean {
    return this.telephoneCall !== null && this.telephoneCall.state !== 'closed';
  }

  override async open(stage: OpenStage): Promise<void> {
    this.#stage = stage;
    await super.open(stage);
  }

  override shut(): void {
    this.hangUp();
    this.#waiting.abort();
    void this.#phone?.close();
    this.#stage = null;
    super.shut();
  }

  /** Calls a line of the telephone: `'phone'` (Opus and G.711) or `'desk'` (G.711). */
  call(line: string): Promise<void> {
    return this.#try(async (phone, { lines }) => {
      const target = lines.find((uri) => uri.startsWith(`sip:${line}@`)) ?? '';
      await this.#talk(phone.call(target, this.#plugged()));
    });
  }

  /** Has the telephone call this page. */
  haveCalled(line: string): Promise<void> {
    return this.#try(async (phone) => {
      const waiting = new AbortController();
      this.#waiting = waiting;
      const arriving = nextCall(phone, waiting.signal);
      try {
        const user = phone.uri.replace(/^sip:|@.*$/g, '');
        await Promise.race([arriving, asked(`/telephone/dial/${line}/${user}`, 'POST')]);
        const call = await arriving;
        await this.#talk(call, () => call.accept(this.#plugged()));
      } finally {
        waiting.abort();
      }
    });
  }

  hangUp(): void {
    void this.telephoneCall?.close();
    this.#end();
    this.#end = () => {};
  }

  /** Does something with a phone that is registered. */
  async #try(use: (phone: SipPhone, told: ToldTelephone) => Promise<void>): Promise<void> {
    const stage = this.#stage;
    if (stage === null || this.isBusy || this.isCalling) return;
    this.isBusy = true;
    this.why = '';
    this.#changed();
    try {
      const isNew = this.#told === null;
      this.#told ??= (await asked('/telephone', 'GET')) as ToldTelephone;
      const told = this.#told;
      if (isNew || this.#phone === null || this.#phone.state === 'closed') {
        void this.#phone?.close();
        // Includes JsSIP, which no other page needs.
        const { SipPhone } = await import('micwire/sip');
        const phone = await SipPhone.open(told.account);
        this.#phone = phone;
        phone.addEventListener('message', this.#changed);
      }
      if (stage.outdated() || stage !== this.#stage) return void this.#phone.close();
      await use(this.#phone, told);
    } catch (error) {
      // Another server may have taken its place.
      this.#told = null;
      if (stage === this.#stage) this.why = errorText(error);
    } finally {
      this.isBusy = false;
      this.#changed();
    }
  }

  /** @param connect @default calls */
  async #talk(call: SipCall, connect: () => Promise<void> = () => call.connect()): Promise<void> {
    this.telephoneCall = call;
    call.addEventListener('statechange', this.#changed);
    await connect();
    const { context, output } = this.#stage!;
    call.createSource(context).connect(output);
  }

  /** The visitor's audio as a track. */
  #plugged(): { readonly track: MediaStreamTrack } {
    this.#end();
    const { context, source } = this.#stage!;
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.node.connect(destination);
    this.#end = () => {
      // The source may have been closed, and its node disconnected, before.
      try {
        source.node.disconnect(destination);
      } catch {}
    };
    return { track: destination.stream.getAudioTracks()[0]! };
  }
}

/** @throws Error with why it cannot be, in the words of the lab's server */
async function asked(path: string, method: 'GET' | 'POST'): Promise<unknown> {
  const response = await fetch(path, { method });
  const told = response.ok
    ? ((await response.json()) as { why?: string })
    : { why: `The lab’s server has no telephone (${response.status}).` };
  if (told.why !== undefined) throw new Error(told.why);
  return told;
}
