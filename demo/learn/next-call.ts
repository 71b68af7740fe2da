import type { SipCall, SipPhone } from 'micwire/sip';

/** Longer than a call takes to arrive, ms. */
const PATIENCE_MS = 10_000;

/**
 * Waits for somebody to call.
 * @param stop gives it up
 * @throws Error in a sentence, when nobody has called in time, or it was given up
 */
export function nextCall(
  phone: Pick<SipPhone, 'addEventListener' | 'removeEventListener'>,
  stop: AbortSignal,
): Promise<SipCall> {
  return new Promise((resolve, reject) => {
    const onCall = ({ detail }: CustomEvent<SipCall>): void => {
      end();
      resolve(detail);
    };
    const fail = (why: string): void => {
      end();
      reject(new Error(why));
    };
    const onStop = (): void => fail('The wait for the call was ended.');
    const onLate = (): void => fail(`No call has arrived within ${PATIENCE_MS / 1000} s.`);
    const late = setTimeout(onLate, PATIENCE_MS);
    const end = (): void => {
      clearTimeout(late);
      phone.removeEventListener('call', onCall);
      stop.removeEventListener('abort', onStop);
    };
    phone.addEventListener('call', onCall);
    stop.addEventListener('abort', onStop);
  });
}
