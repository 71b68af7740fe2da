import { SipPhone } from 'micwire/sip';
import type { SipPhoneOptions } from 'micwire/sip';
import { onTestFinished } from 'vitest';
import * as browser from 'vitest/browser';

// The types of `vitest/browser` come with the vendor providers, which this project does without.
const { commands } = browser as unknown as {
  readonly commands: { sipServer(action: 'has' | 'start' | 'kill' | 'end'): Promise<string> };
};

/** Controls the SIP server of these tests: see `sip-server.mjs`. */
export const sipServer = (action: 'has' | 'start' | 'kill' | 'end'): Promise<string> =>
  commands.sipServer(action);

/** A phone that is registered, and closed when the test ends. */
export async function openPhone(
  url: string,
  user: string,
  options: Partial<SipPhoneOptions> = {},
): Promise<SipPhone> {
  const phone = await SipPhone.open({
    url,
    uri: `sip:${user}@sip.test`,
    password: `secret of ${user}`,
    maxReconnectSeconds: 1,
    ...options,
  });
  onTestFinished(() => phone.close());
  return phone;
}

/** A track with a tone, until the test ends. */
export function toneTrack(context: AudioContext, frequency: number): MediaStreamTrack {
  const oscillator = new OscillatorNode(context, { frequency });
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  oscillator.connect(destination);
  oscillator.start();
  onTestFinished(() => oscillator.stop());
  return destination.stream.getAudioTracks()[0]!;
}
