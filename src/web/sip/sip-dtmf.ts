import { MicwireError } from '../../core/errors.ts';
import { deferred, sleep } from '../patience.ts';
import type { JsSipSession } from './jssip-types.ts';
import type { SipDtmfOptions } from './sip-call-options.ts';
import { callRefused } from './sip-error.ts';

/**
 * Sends tones within the audio, as telephone-events (RFC 4733).
 * @throws MicwireError `'unsupported'` when the two sides did not agree on them, `'transport'` when the browser stops before the
 * last tone
 */
export async function sendRtpTones(
  connection: RTCPeerConnection,
  tones: string,
  { durationMs, gapMs }: Required<SipDtmfOptions>,
): Promise<void> {
  const sender = connection.getSenders().find(({ dtmf }) => dtmf?.canInsertDTMF)?.dtmf;
  if (sender === null || sender === undefined) {
    throw new MicwireError(
      'unsupported',
      "The two sides did not agree on telephone-event, or this side sends no audio. Use the method 'info'.",
    );
  }
  const sent = deferred<void>();
  const stop = (): void =>
    sent.reject(
      new MicwireError(
        'transport',
        'The browser has stopped sending the tones, as it does when this side sends no audio. Try again, or use the method ' +
          "'info'.",
      ),
    );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expect = (): void => {
    clearTimeout(timer);
    timer = setTimeout(stop, (longest.get(sender) ?? 0) + LATE_MS);
  };
  const onTone = ({ tone }: RTCDTMFToneChangeEvent): void => {
    // The last event has no tone (W3C webrtc §7.3); if transmission stops, it never arrives (§7.2).
    if (tone === '') sent.resolve();
    else expect();
  };
  sender.addEventListener('tonechange', onTone);
  try {
    sender.insertDTMF(sender.toneBuffer + tones, durationMs, gapMs);
    // Tones of another method call may be appended to these, with a different length.
    longest.set(sender, Math.max(longest.get(sender) ?? PAUSE_MS, durationMs + gapMs));
    expect();
    await sent.promise;
  } finally {
    clearTimeout(timer);
    sender.removeEventListener('tonechange', onTone);
  }
}

/** How late a tone may begin, in ms. */
const LATE_MS = 1000;
/** The longest tone or pause of a sender, in ms. */
const longest = new WeakMap<RTCDTMFSender, number>();

/** Sends tones one after the other, each in an INFO request, and waits for the answers. @throws SipError */
export class InfoTones {
  /** Returns the session; throws when a request cannot be sent. */
  readonly #ready: () => JsSipSession;
  #waiting: ReturnType<typeof deferred<void>> | null = null;
  #before: Promise<void> = Promise.resolve();

  constructor(session: JsSipSession, ready: () => JsSipSession) {
    this.#ready = ready;
    session.on('newDTMF', ({ originator, dtmf }) => {
      const waiting = this.#waiting;
      if (originator !== 'local' || waiting === null) return;
      dtmf.on('succeeded', () => waiting.resolve());
      dtmf.on('failed', ({ response }) =>
        waiting.reject(callRefused(response?.status_code ?? 408)),
      );
    });
  }

  /** Sends tones. The tones of two method calls do not mix. */
  send(tones: string, options: Required<SipDtmfOptions>): Promise<void> {
    const sent = this.#before.then(() => this.#send(tones, options));
    this.#before = sent.catch(() => {});
    return sent;
  }

  async #send(tones: string, { durationMs, gapMs }: Required<SipDtmfOptions>): Promise<void> {
    for (const tone of tones) {
      if (tone === ',') {
        await sleep(PAUSE_MS);
        continue;
      }
      const session = this.#ready();
      const waiting = deferred<void>();
      this.#waiting = waiting;
      session.sendDTMF(tone, { duration: durationMs, interToneGap: gapMs });
      await Promise.all([waiting.promise, sleep(durationMs + gapMs)]);
    }
  }
}

/** Length of the pause that a comma means (W3C webrtc §7.2). */
const PAUSE_MS = 2000;
