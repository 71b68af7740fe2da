import { MicwireError } from 'micwire';

/** Why there is no sound, in words for the user: what happened and what to do. */
export interface Problem {
  readonly kind:
    | 'no-permission'
    | 'no-device'
    | 'device-busy'
    | 'insecure'
    | 'no-file'
    | 'bad-file'
    | 'ended'
    | 'no-worklet'
    | 'no-codec'
    | 'unsupported'
    | 'unexpected';
  readonly title: string;
  readonly cure: string;
}

/** The microphone was unplugged, or the user stopped it in the browser's own controls. */
export const TRACK_ENDED: Problem = {
  kind: 'ended',
  title: 'The microphone has stopped.',
  cure: 'It was unplugged, or the browser stopped it. Connect one, then start again.',
};

/** Turns whatever `getUserMedia`, the loader or the graph threw into a problem (Media Capture §10.3.1 names the errors). */
export function problemOf(error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof MicwireError && error.code === 'worklet-load') {
    return { kind: 'no-worklet', title: 'The audio code could not be loaded.', cure: message };
  }
  if (error instanceof MicwireError && error.code === 'codec-load') {
    return { kind: 'no-codec', title: 'Opus could not be loaded.', cure: message };
  }
  if (error instanceof MicwireError && error.code === 'unsupported') {
    return { kind: 'unsupported', title: 'This browser cannot do that.', cure: message };
  }
  if (error instanceof MicwireError && error.code === 'no-audio') return TRACK_ENDED;
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return {
        kind: 'no-permission',
        title: 'The browser did not allow the microphone.',
        cure: 'Allow it beside the address bar, then start again. The speech sample needs no permission.',
      };
    case 'NotFoundError':
    case 'OverconstrainedError':
      return {
        kind: 'no-device',
        title: 'There is no microphone.',
        cure: 'Connect one, then start again. Or take the speech sample.',
      };
    case 'NotReadableError':
    case 'AbortError':
      return {
        kind: 'device-busy',
        title: 'The microphone does not answer.',
        cure: 'Another program may be using it. Close that one, then start again.',
      };
    case 'DataError':
      return {
        kind: 'no-file',
        title: 'No file is chosen.',
        cure: 'Choose one, or drop one on the page.',
      };
    case 'EncodingError':
      return {
        kind: 'bad-file',
        title: 'This browser cannot read that file.',
        cure: 'Choose one with audio that the browser can play, such as WAV, MP3 or Ogg.',
      };
    case 'SecurityError':
      return {
        kind: 'insecure',
        title: 'This page may not use a microphone.',
        cure: 'Browsers give one only to localhost and to https pages.',
      };
    default:
      return { kind: 'unexpected', title: 'Something unexpected happened.', cure: message };
  }
}
