import { MicwireError } from '../../core/errors.ts';
import { deferred } from '../patience.ts';
import type { JsSipSession } from './jssip-types.ts';
import type { SipDtmfOptions } from './sip-call-options.ts';
import { callRefused } from './sip-error.ts';

/**
 * Sends tones within the audio, as telephone-events (RFC 4733).
 * @throws MicwireError `'unsupported'` when the two did not agree on them
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
  // The last event has no tone (W3C webrtc §7.3).
  const onTone = ({ tone }: RTCDTMFToneChangeEvent): void => {
    if (tone === '') sent.resolve();
  };
  sender.addEventListener('tonechange', onTone);
  try {
    sender.insertDTMF(sender.toneBuffer + tones, durationMs, gapMs);
    await sent.promise;
  } finally {
    sender.removeEventListener('tonechange', onTone);
  }
}

/** Sends tones one after the other, each in an INFO request, and waits for the answers. @throws SipError */
export class InfoTones {
  /** Throws when a request cannot be sent. */
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

  /** Tones of two calls do not mix. */
  send(tones: string, options: Required<SipDtmfOptions>): Promise<void> {
    const sent = this.#before.then(() => this.#send(tones, options));
    this.#before = sent.catch(() => {});
    return sent;
  }

  async #send(tones: string, { durationMs, gapMs }: Required<SipDtmfOptions>): Promise<void> {
    for (const tone of tones) {
      if (tone === ',') {
        await wait(PAUSE_MS);
        continue;
      }
      const session = this.#ready();
      const waiting = deferred<void>();
      this.#waiting = waiting;
      session.sendDTMF(tone, { duration: durationMs, interToneGap: gapMs });
      await Promise.all([waiting.promise, wait(durationMs + gapMs)]);
    }
  }
}

/** What a comma stands for (W3C webrtc §7.2). */
const PAUSE_MS = 2000;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
