import { MicwireError, Whep, Whip } from 'micwire';
import type { CaptureSource, LivingSource, WhepOptions, WhipOptions } from 'micwire';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HAS_WEBRTC, openTone } from '../helpers/call-page.ts';
import { loudestHz } from '../helpers/heard-tone.ts';
import { PageWhipServer } from '../helpers/page-whip-server.ts';

it.skipIf(HAS_WEBRTC)('without WebRTC, Whep.create says what to do', () => {
  expect(() => Whep.create('/whep')).toThrow(MicwireError);
  expect(() => Whep.create('/whep')).toThrow('WebSocketTransport');
});

function openServer(): PageWhipServer {
  const server = new PageWhipServer();
  vi.stubGlobal('fetch', server.fetch);
  onTestFinished(() => {
    server.close();
    vi.unstubAllGlobals();
  });
  return server;
}

async function publish(source: CaptureSource, options: WhipOptions = {}) {
  const whip = Whip.create('/whip/room', source, options);
  onTestFinished(() => whip.close());
  await whip.connect();
  return whip;
}

async function play(options: WhepOptions = {}): Promise<Whep> {
  const whep = Whep.create('/whep/room', options);
  onTestFinished(() => whep.close());
  await whep.connect();
  return whep;
}

/** Waits until a tone of 440 Hz is heard. */
async function hears(whep: Whep, context: AudioContext): Promise<void> {
  const analyser = new AnalyserNode(context, { fftSize: 4096 });
  whep.createSource(context).connect(analyser);
  await expect.poll(() => loudestHz(analyser)).toBeGreaterThan(425);
  expect(loudestHz(analyser)).toBeLessThan(455);
}

/** Waits for packets that come from now on. */
async function packetsFollow(session: Whip | Whep, name: 'packetsReceived' | 'packetsSent') {
  const before = (await session.stats())[name];
  await expect.poll(async () => (await session.stats())[name]).toBeGreaterThan(before + 5);
}

const ufrag = ({ connection }: Whip | Whep, side: 'localDescription' | 'remoteDescription') =>
  /a=ice-ufrag:(\S+)/.exec(connection[side]!.sdp)![1];

describe.runIf(HAS_WEBRTC)('Whip and Whep', () => {
  it('publish and play by trickle, and end both sessions', async () => {
    const { context } = await openTone();
    const oscillator = new OscillatorNode(context);
    oscillator.start();
    const server = openServer();
    const whip = await publish(oscillator, { opus: { bitrate: 40_000 } });
    const whep = await play();
    await hears(whep, context);
    expect((await whip.stats()).sendCodec).toMatch(/opus/);
    expect(whip.connection.remoteDescription!.sdp).toContain('maxaveragebitrate=40000');
    const [post] = server.requests;
    expect(post).toMatchObject({ method: 'POST', path: '/whip/room' });
    expect(post!.body).not.toContain('a=candidate');
    await expect
      .poll(() => server.requests.map(({ body }) => body).join(''))
      .toContain('a=end-of-candidates');
    const { track } = whip;
    await whip.close();
    await whep.close();
    expect(track.readyState).toBe('ended');
    expect(server.sessions).toBe(0);
    expect(context.state).toBe('running');
  });

  it('publish the output of a living source that captures use', async () => {
    const { context } = await openTone();
    const node = new ChannelSplitterNode(context, { numberOfOutputs: 3 });
    const oscillator = new OscillatorNode(context);
    oscillator.connect(node);
    oscillator.start();
    const microphone: LivingSource = {
      node,
      captureFeed: { output: 1, presenceOutput: 2, preRollMs: 0 },
      state: 'live',
      addEventListener() {},
      removeEventListener() {},
    };
    openServer();
    const whip = await publish(microphone);
    await hears(await play(), context);
    await whip.close();
    expect(whip.track.readyState).toBe('ended');
  });

  it('put all candidates into a second offer if the server does not support PATCH', async () => {
    const { context, track } = await openTone();
    const server = openServer();
    server.takesPatch = false;
    await publish(track);
    const whep = await play();
    await hears(whep, context);
    const methods = server.requests.map(({ method }) => method);
    expect(methods).toEqual(['POST', 'DELETE', 'POST', 'POST', 'DELETE', 'POST']);
    expect(server.requests[2]!.body).toContain('a=candidate');
    expect(server.sessions).toBe(2);
  });

  it.each([
    ['asked for', { offer: 'server' }],
    ['in place of an answer', {}],
  ] as const)('play by an offer from the server, %s', async (_name, options) => {
    const { context, track } = await openTone();
    const server = openServer();
    server.makesOffers = true;
    await publish(track);
    const whep = await play(options);
    await hears(whep, context);
    expect(whep.connection.getTransceivers().filter(({ mid }) => mid !== null)).toHaveLength(1);
    await expect(whep.restartIce()).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('play without the video that the server offers', async () => {
    const { context, track } = await openTone();
    const server = openServer();
    server.makesOffers = true;
    server.offersVideo = true;
    await publish(track);
    const whep = await play({ offer: 'server' });
    await hears(whep, context);
    const answer = server.requests.find(({ body }) => body.includes('m=video'))!;
    const [audio, video] = answer.body.split('m=video');
    expect(video).toMatch(/^ 0 |^a=inactive/m);
    expect(audio).not.toMatch(/^m=audio 0 |^a=inactive/m);
  });

  it('restart ICE: the audio continues with new user fragments', async () => {
    const { context, track } = await openTone();
    openServer();
    const whip = await publish(track);
    const whep = await play();
    await hears(whep, context);
    for (const session of [whip, whep]) {
      const before = [ufrag(session, 'localDescription'), ufrag(session, 'remoteDescription')];
      await session.restartIce();
      expect(ufrag(session, 'localDescription')).not.toBe(before[0]);
      expect(ufrag(session, 'remoteDescription')).not.toBe(before[1]);
      await expect.poll(() => session.connection.connectionState).toBe('connected');
    }
    await packetsFollow(whip, 'packetsSent');
    await packetsFollow(whep, 'packetsReceived');
    expect([whip.state, whep.state]).toEqual(['connected', 'connected']);
  });

  it('continue when the server does not restart ICE', async () => {
    const { context, track } = await openTone();
    const server = openServer();
    const whip = await publish(track);
    const whep = await play();
    await hears(whep, context);
    server.restartStatus = 405;
    for (const session of [whip, whep]) {
      const before = ufrag(session, 'localDescription');
      await expect(session.restartIce()).rejects.toMatchObject({
        code: 'unsupported',
        cause: { status: 405 },
      });
      expect(ufrag(session, 'localDescription')).toBe(before);
      expect(session.connection.signalingState).toBe('stable');
    }
    await packetsFollow(whip, 'packetsSent');
    await packetsFollow(whep, 'packetsReceived');
  });

  it('set a target delay, which may change', async () => {
    const { track } = await openTone();
    openServer();
    await publish(track);
    const whep = await play({ jitterBufferTarget: 100 });
    const [receiver] = whep.connection.getReceivers();
    if ('jitterBufferTarget' in receiver!) expect(receiver.jitterBufferTarget).toBe(100);
    whep.jitterBufferTarget = 200;
    if ('jitterBufferTarget' in receiver!) expect(receiver.jitterBufferTarget).toBe(200);
    expect(() => (whep.jitterBufferTarget = 5000)).toThrow(RangeError);
    expect(whep.remoteTrack!.kind).toBe('audio');
  });
});
