import { MicwireError } from '../../core/errors.ts';
import { refusalOf } from '../../core/microphone/refusal.ts';

/** Creates the error that every call of a closed microphone throws. */
export function microphoneClosed(): MicwireError {
  return new MicwireError('closed', 'The microphone is closed. Open another one.');
}

/** Creates the error of a speaker that cannot play by the route that the echo canceller needs. */
export function unrouted(cause: unknown): MicwireError {
  if (cause instanceof MicwireError) return cause;
  return new MicwireError('device', UNROUTED, { cause });
}

/** Explains why a call failed, from the name of the DOMException of `getUserMedia` (Media Capture §10.2). */
export function microphoneFailure(reason: string): MicwireError {
  if (reason === 'closed') return microphoneClosed();
  if (reason === 'superseded') return new MicwireError('device', SUPERSEDED);
  switch (refusalOf(reason)) {
    case 'unavailable':
      return new MicwireError('unsupported', UNAVAILABLE);
    case 'permission':
      return new MicwireError('permission', NOT_ALLOWED);
    case 'missing':
      return new MicwireError('device', NOT_FOUND);
    case 'busy':
    case 'inactive':
      return new MicwireError('device', `${NOT_READABLE} (${reason})`);
  }
}

const UNAVAILABLE =
  'This page cannot use microphones. It needs https or localhost, and a Permissions-Policy that allows them.';
const NOT_ALLOWED =
  "The microphone is not allowed. Allow it in the browser's settings for this site, and in the system's privacy settings.";
const SUPERSEDED = 'Another call of use(), mute() or unmute() took the place of this one.';
const NOT_FOUND = 'There is no such microphone. Plug one in, or choose another.';
const NOT_READABLE =
  'The microphone does not open: another program may have it. Close that program, or choose another microphone.';
const UNROUTED =
  'The speaker does not play in a way that the echo canceller hears; it continues as before. Use headphones.';
export const REFUSED =
  'The engine refused the microphone in this context. Create the AudioContext without a sampleRate: micwire resamples.';
export const STALLED =
  'The context is running, but for a second no audio has been rendered. The output device may be gone or taken: close the context and create a new one.';
export const PROCESSOR_ERROR =
  "The microphone's processor failed, and its node is silent for good. Open another microphone.";
