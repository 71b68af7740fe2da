import { MicwireError } from 'micwire';
import type { MicwireErrorCode } from 'micwire';
import { errorText } from '../../src/core/errors.ts';

/** Why there is no audio, for the user: what happened and what to do. */
export interface Problem {
  readonly kind:
    | 'no-permission'
    | 'no-device'
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

/** Titles for failures of micwire; failures whose messages need no title are not listed. */
const FAILURES: Readonly<
  Partial<Record<MicwireErrorCode, { readonly kind: Problem['kind']; readonly title?: string }>>
> = {
  'worklet-load': { kind: 'no-worklet', title: 'The audio code could not be loaded.' },
  'codec-load': { kind: 'no-codec', title: 'Opus could not be loaded.' },
  unsupported: { kind: 'unsupported', title: 'This browser cannot do that.' },
  permission: { kind: 'no-permission' },
  device: { kind: 'no-device' },
  'no-audio': { kind: 'ended' },
};

/** Takes a text apart: its first sentence says what happened, the others what to do. */
export function firstSentence(text: string): [title: string, others: string] {
  const end = text.indexOf('. ') + 1;
  return end === 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
}

/** Turns whatever the microphone, the loader or the graph threw into a problem. */
export function problemOf(error: unknown): Problem {
  const message = errorText(error);
  const failure = error instanceof MicwireError ? FAILURES[error.code] : undefined;
  if (failure !== undefined) {
    const { kind, title } = failure;
    if (title !== undefined) return { kind, title, cure: message };
    const [what, cure] = firstSentence(message);
    return { kind, title: what, cure };
  }
  switch (error instanceof DOMException ? error.name : '') {
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
    default:
      return { kind: 'unexpected', title: 'Something unexpected happened.', cure: message };
  }
}
