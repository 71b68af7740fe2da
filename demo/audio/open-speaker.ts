import { Speaker } from 'micwire';

/** Opens what plays the page's audio beside a microphone, for its echo canceller; null where that is not possible. */
export async function openSpeaker(context: AudioContext): Promise<Speaker | null> {
  return Speaker.open(context).catch(() => null);
}
