/** A clause of a standard. */
export interface Clause {
  readonly label: string;
  readonly url: string;
}

/** Where standards without numbered clauses are. */
export const WEB_AUDIO = 'https://webaudio.github.io/web-audio-api/';
export const MEDIA_CAPTURE = 'https://w3c.github.io/mediacapture-main/';
export const WEBRTC = 'https://w3c.github.io/webrtc-pc/';
export const MEDIA_RECORDER = 'https://w3c.github.io/mediacapture-record/';

/** A section of an RFC. */
export function rfc(number: number, section: string): Clause {
  return {
    label: `RFC ${number} §${section}`,
    url: `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`,
  };
}
