import { Call, WebSocketSignalling, memorySignalling } from 'micwire';
import type { CallOptions, Signalling, WebSocketSignallingOptions } from 'micwire';
import { onTestFinished } from 'vitest';

/** Whether this engine has WebRTC: WebKitGTK has not. */
export const HAS_WEBRTC: boolean = typeof RTCPeerConnection !== 'undefined';

/** A running context and a track with a tone of 440 Hz in it, until the test ends. */
export async function openTone(): Promise<{ context: AudioContext; track: MediaStreamTrack }> {
  const context = new AudioContext({ sampleRate: 48_000 });
  onTestFinished(() => context.close());
  await context.resume();
  const oscillator = context.createOscillator();
  const destination = context.createMediaStreamDestination();
  destination.channelCount = 1;
  oscillator.connect(destination);
  oscillator.start();
  return { context, track: destination.stream.getAudioTracks()[0]! };
}

/** Two calls within this page, not yet connected; closed when the test ends. */
export function twoCalls(
  callerOptions: CallOptions,
  calleeOptions: CallOptions = {},
  ends: readonly [caller: Signalling, callee: Signalling] = memorySignalling(),
): [caller: Call, callee: Call] {
  const caller = Call.create(ends[0], callerOptions);
  const callee = Call.create(ends[1], calleeOptions);
  onTestFinished(() => {
    void caller.close();
    void callee.close();
  });
  return [caller, callee];
}

/**
 * Two ends at the lab's own server, in a room of their own.
 * @param url `signallingUrl` of a simulated network's client, for a call over that
 * @param options of both
 */
export async function serverSignalling(
  url = '/signal',
  options: Omit<WebSocketSignallingOptions, 'room'> = {},
): Promise<[caller: Signalling, callee: Signalling]> {
  const room = crypto.randomUUID();
  const callee = WebSocketSignalling.create(url, { room, ...options });
  await new Promise<void>((resolve) => {
    callee.addEventListener('statechange', () => {
      if (callee.state === 'waiting') resolve();
    });
  });
  return [WebSocketSignalling.create(url, { room, ...options }), callee];
}
