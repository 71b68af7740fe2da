import { deferred } from '../patience.ts';
import type { JsSipSession } from './jssip-types.ts';
import { changeRefused } from './sip-error.ts';

/**
 * Puts a call on hold, or ends the hold, by a re-INVITE. JsSIP hangs up when the other side refuses; by RFC 3261 §14.1 the call
 * continues as if the request had not been made.
 * @param ended rejects when the call ends
 * @returns null when another change is in progress; otherwise a promise that resolves when the other side has agreed, and rejects
 *   with a SipError when it has refused
 */
export function changeHold(
  session: JsSipSession,
  how: 'hold' | 'unhold',
  ended: Promise<never>,
): Promise<void> | null {
  const done = deferred<void>();
  const refused = async (status: number): Promise<void> => {
    session._localHold = how === 'unhold';
    // Without an offer there is no description to roll back.
    await session.connection?.setLocalDescription({ type: 'rollback' }).catch(() => {});
    throw changeRefused(status);
  };
  const { sendRequest } = session;
  session.sendRequest = (method, options) => {
    if (method !== 'INVITE') return sendRequest.call(session, method, options);
    const eventHandlers = {
      ...options?.eventHandlers,
      onErrorResponse: ({ status_code: status }: { readonly status_code: number }): void =>
        void refused(status).catch(done.reject),
    };
    return sendRequest.call(session, method, { ...options, eventHandlers });
  };
  // JsSIP's own method is on the prototype.
  const restore = (): void => void Reflect.deleteProperty(session, 'sendRequest');
  if (session[how]({}, () => done.resolve())) {
    return Promise.race([ended, done.promise]).finally(restore);
  }
  restore();
  return null;
}
