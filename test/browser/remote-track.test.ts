/** The sound of a real connection, and of streams with two tracks. */
import { Capture, Meter, Recorder } from 'micwire';
import { expect, test } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

/** A tone that has travelled through a connection of the page with itself. */
async function remoteTone(
  context: AudioContext,
): Promise<{ readonly track: MediaStreamTrack; readonly end: () => void }> {
  const source = new OscillatorNode(context, { frequency: 400 });
  const sent = new MediaStreamAudioDestinationNode(context);
  source.connect(sent);
  source.start();
  const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
  const pass = (target: RTCPeerConnection) => (event: RTCPeerConnectionIceEvent) => {
    if (event.candidate !== null) void target.addIceCandidate(event.candidate).catch(() => {});
  };
  from.onicecandidate = pass(to);
  to.onicecandidate = pass(from);
  const arrived = new Promise<MediaStreamTrack>((resolve) => {
    to.ontrack = ({ track }) => resolve(track);
  });
  from.addTrack(sent.stream.getAudioTracks()[0]!, sent.stream);
  await from.setLocalDescription(await from.createOffer());
  await to.setRemoteDescription(from.localDescription!);
  await to.setLocalDescription(await to.createAnswer());
  await from.setRemoteDescription(to.localDescription!);
  const track = await arrived;
  return {
    track,
    end() {
      from.close();
      to.close();
    },
  };
}

const peak = (bytes: Uint8Array): number => {
  const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  let highest = 0;
  for (const sample of samples) highest = Math.max(highest, Math.abs(sample));
  return highest;
};

const withConnection = test.skipIf(typeof RTCPeerConnection === 'undefined');

withConnection(
  'a remote track is heard by Capture, as a track and as a node of yours',
  async () => {
    const context = new AudioContext();
    await context.resume();
    const { track, end } = await remoteTone(context);
    const node = context.createMediaStreamSource(new MediaStream([track]));
    for (const source of [track, new MediaStream([track]), track.clone(), node]) {
      const capture = await Capture.create(context, source, { format: 'f32' });
      let highest = 0;
      for await (const { bytes } of capture) {
        highest = Math.max(highest, peak(bytes));
        if (highest > 0.1) break;
        if (capture.stats.deliveredFrames > 10 * capture.sampleRate) break;
      }
      expect(highest).toBeGreaterThan(0.1);
      await capture.close();
    }
    expect(track.readyState).toBe('live');
    end();
    await endContext(context);
  },
  60_000,
);

withConnection(
  'a remote track is heard by Meter and by Recorder',
  async () => {
    const context = new AudioContext();
    await context.resume();
    const { track, end } = await remoteTone(context);
    const meter = await Meter.create(context, { source: track });
    const reading = meter.createReading();
    await eventually(() => {
      expect(meter.read(reading)).toBe(true);
      expect(reading.peakDbfs[0]).toBeGreaterThan(-20);
    });
    void meter.close();
    const recorder = await Recorder.create(context, track, { container: 'wav' });
    await eventually(() => expect(recorder.levelDbfs).toBeGreaterThan(-20));
    expect((await recorder.stop())!.size).toBeGreaterThan(1000);
    end();
    await endContext(context);
  },
  60_000,
);

test('of a node with two tracks the audible one is watched', async () => {
  const context = new AudioContext();
  await context.resume();
  const tracks = [0, 0.5].map((gain) => {
    const source = new ConstantSourceNode(context, { offset: gain });
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.connect(destination);
    source.start();
    return destination.stream.getAudioTracks()[0]!;
  });
  // In both orders, for one of them is the order of their ids.
  for (const order of [tracks, tracks.toReversed()]) {
    const node = context.createMediaStreamSource(
      new MediaStream(order.map((track) => track.clone())),
    );
    const sounding = node.mediaStream.getAudioTracks();
    const capture = await Capture.create(context, node, { format: 'f32' });
    let highest = 0;
    for await (const { bytes } of capture) {
      highest = Math.max(highest, peak(bytes));
      if (capture.stats.deliveredFrames > capture.sampleRate / 2) break;
    }
    // By what is heard, not by a rule: which of the two is it?
    const heard = highest > 0.1;
    const level = async (track: MediaStreamTrack): Promise<number> => {
      const single = await Capture.create(context, track, { format: 'f32' });
      let loudest = 0;
      for await (const { bytes } of single) {
        loudest = Math.max(loudest, peak(bytes));
        if (single.stats.deliveredFrames > single.sampleRate / 4) break;
      }
      await single.close();
      return loudest;
    };
    const [first, second] = sounding as [MediaStreamTrack, MediaStreamTrack];
    const [taken, other] = (await level(first)) > 0.1 === heard ? [first, second] : [second, first];
    other.stop();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(capture.state).toBe('running');
    taken.stop();
    await eventually(() => expect(capture.state).toBe('ended'));
    await capture.close();
  }
  await endContext(context);
}, 60_000);
