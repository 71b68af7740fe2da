import { MicwireError } from '../errors.ts';

/** Error messages of a session: what happened, and what to do. */

export const NO_ADDRESS =
  'There is no address to connect to: the function for the url or the token has failed, as cause says. It is called again before the next attempt.';
export const SERVICE_FAULT =
  'The code of the service has thrown where it must not, as cause says. The session continues without this message; please report it.';
export const BAD_MESSAGE =
  'The service has sent a message that cannot be read, as cause says. It was skipped. Does the service speak another version of its protocol?';
export const TOO_FAR =
  'The service claims to have audio that it was never sent. This was not believed.';
export const BAD_AUDIO =
  'Captured audio was refused: it has to follow what came before, and to be in the format of service.input. Capture with that format.';
export const QUEUE_FULL =
  'More than 64 messages wait to be sent; the oldest was dropped. Send fewer while the state is not open.';
export const BAD_VALUE =
  'A value cannot be sent to the service, as cause says. Send an object that JSON can carry, text or bytes.';

/** Creates the error for a failure of a session's connection. */
export function sessionError(message: string, cause?: unknown): MicwireError {
  return new MicwireError('transport', message, cause === undefined ? {} : { cause });
}

/** Message when the service has closed the connection for good. */
export function closedWith(code: number, reason: string): string {
  const words = reason === '' ? 'without a reason' : `for the reason "${clipped(reason)}"`;
  return `The service has closed the connection with code ${code}, ${words}, and would refuse another one. Check the url, the token and the options of the service, and open a new session.`;
}

/** Message when the service has reported an error. */
export function serviceSays(code: string, message: string): string {
  return `The service reports the error "${clipped(code)}": ${clipped(message)}`;
}

/** Limits the length of a text from the service. */
function clipped(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}
