import {
  Call,
  DataChannelTransport,
  MicwireError,
  dumpForImporter,
  memorySignalling,
} from 'micwire';
import type { CallFigures, CallStepName, TransportMessage } from 'micwire';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LinkClient } from '../../demo/link/link-client.ts';
import { CLEAN } from '../../demo/link/settings.ts';
import { tsharkProtocols } from '../helpers/ask-program.ts';
import { HAS_WEBRTC, openTone, serverSignalling, twoCalls } from '../helpers/call-page.ts';
import { loudestHz } from '../helpers/heard-tone.ts';

/** On a busy machine sound takes its time. */
const POLL = { timeout: 10_000 };

const stepOf = (call: Call, name: CallStepName) => call.steps.find((step) => step.name === name)!;

it.skipIf(HAS_WEBRTC)('without WebRTC, Call.create says what to do', () => {
  const [signalling] = memorySignalling();
  expect(() => Call.create(signalling)).toThrow(MicwireError);
  expect(() => Call.create(signalling)).toThrow('WebSocketTransport');
});

describe.runIf(HAS_WEBRTC).each([
  ['in memory', async () => memorySignalling()],
  ['through the server', () => serverSignalling()],
])('a call, signalled %s', (_name, openSignalling) => {
  it('carries audio and data, and reports the times of each step', async () => {
    const { track, context } = await openTone();
    const [caller, callee] = twoCalls({ track, receive: false }, {}, await openSignalling());
    const sending = DataChannelTransport.create(caller.createDataChannel());
    const receiving = DataChannelTransport.create(callee.createDataChannel());
    const received: TransportMessage[] = [];
    receiving.addEventListener('message', ({ data }) => received.push(data));
    await Promise.all([caller.connect(), callee.connect()]);
    expect([caller.state, callee.state]).toEqual(['connected', 'connected']);
    expect([caller.role, callee.role]).toEqual(['caller', 'callee']);

    const analyser = new AnalyserNode(context, { fftSize: 4096 });
    callee.createSource(context).connect(analyser);
    await expect.poll(() => loudestHz(analyser)).toBeGreaterThan(425);
    expect(loudestHz(analyser)).toBeLessThan(455);
    await expect.poll(() => sending.send(Uint8Array.of(1, 2, 3))).toBe(true);
    await expect.poll(() => received[0]).toEqual(Uint8Array.of(1, 2, 3));

    await expect.poll(() => stepOf(callee, 'media').state).toBe('done');
    expect(callee.answer).toBe(caller.answer);
    expect(callee.offer).toBe(caller.offer);
    void caller.close();
    await expect.poll(() => callee.state).toBe('closed');
    for (const call of [caller, callee]) {
      expect(call.steps.map(({ state }) => state)).toEqual(Array(6).fill('done'));
      for (const { startMs, endMs, moments } of call.steps) {
        expect(endMs!).toBeGreaterThanOrEqual(startMs!);
        expect(moments.length).toBeGreaterThan(0);
      }
      // Each begins only once the one that it builds on has begun, and media only once ICE has ended.
      const [create, signal, ice, media, data, close] = call.steps;
      expect(signal!.startMs!).toBeGreaterThanOrEqual(create!.endMs!);
      expect(ice!.startMs!).toBeGreaterThanOrEqual(signal!.startMs!);
      expect(media!.startMs!).toBeGreaterThanOrEqual(ice!.endMs!);
      expect(data!.startMs!).toBeGreaterThanOrEqual(ice!.endMs!);
      expect(close!.startMs!).toBeGreaterThanOrEqual(media!.endMs!);
    }
    await expect(callee.stats()).rejects.toMatchObject({ code: 'closed' });
  });
});

describe.runIf(HAS_WEBRTC)('the figures of a call', () => {
  it('agree between the two sides, and with each other', async () => {
    const { track, context } = await openTone();
    const [caller, callee] = twoCalls({ track }, { historyIntervalMs: 100 });
    await Promise.all([caller.connect(), callee.connect()]);
    callee.createSource(context);
    let figures!: CallFigures;
    const received = async () => {
      figures = await callee.stats();
      return figures.packetsReceived;
    };
    await expect.poll(received).toBeGreaterThan(50);
    let sent!: CallFigures;
    const sentPackets = async () => {
      sent = await caller.stats();
      return sent.packetsSent;
    };
    // A browser may give the same figures for some 50 ms.
    await expect.poll(sentPackets).toBeGreaterThanOrEqual(figures.packetsReceived);
    // Those of 20 ms that were sent between the two readings, which on a busy machine are apart, and some under way.
    const between = Math.max(0, sent.timestamp - figures.timestamp) / 20;
    expect(sent.packetsSent - figures.packetsReceived).toBeLessThan(25 + between);
    expect(figures.packetsLost).toBe(0);
    expect(figures.bytesReceived).toBeLessThanOrEqual(sent.bytesSent);
    // At least 40 bytes of RTP, UDP and IP per packet, on top of the payload.
    expect(sent.wireBytesSent).toBeGreaterThan(sent.bytesSent + 40 * sent.packetsSent);
    expect(figures.receiveCodec).toBe('audio/opus');
    expect(sent.sendCodec).toBe('audio/opus');
    await expect.poll(() => callee.history.length).toBeGreaterThan(5);
    const [before, after] = callee.history.slice(-2);
    const seconds = (after!.timestamp - before!.timestamp) / 1000;
    const expected = ((after!.bytesReceived - before!.bytesReceived) * 8) / seconds;
    expect(after!.receivedBitrate).toBeCloseTo(expected, 3);
    const ice = await caller.ice();
    expect(ice.selected?.state).toBe('succeeded');
    expect(ice.local.length).toBeGreaterThan(0);
    expect(ice.pairs[0]).toEqual(ice.selected);
  });

  it('show the bitrate, the packet length and the redundancy of the options', async () => {
    const { track } = await openTone();
    const opus = { bitrate: 64_000, constantBitrate: true, ptimeMs: 10, fec: false } as const;
    const [caller, callee] = twoCalls({ track, opus, redundancy: true });
    await Promise.all([caller.connect(), callee.connect()]);
    let before = await caller.stats();
    let after = before;
    const grown = async () => {
      after = await caller.stats();
      return after.packetsSent - before.packetsSent;
    };
    await expect.poll(async () => (await caller.stats()).packetsSent, POLL).toBeGreaterThan(100);
    before = await caller.stats();
    await expect.poll(grown).toBeGreaterThan(100);
    const packets = after.packetsSent - before.packetsSent;
    const payload = (after.bytesSent - before.bytesSent) / packets;
    const hasRed = /a=rtpmap:\d+ red\/48000/.test(caller.offer ?? '');
    // 64 kbit/s in packets of 10 ms: 80 bytes each; with RED the packet before comes along, and 5 bytes of headers.
    // Firefox counts a byte more.
    expect(Math.abs(payload - (hasRed ? 2 * 80 + 5 : 80))).toBeLessThanOrEqual(1);
    expect(caller.redundancy).toBe(hasRed);
    expect(callee.redundancy).toBe(false);
  });

  it('show two channels if the options ask for them', async () => {
    const context = new AudioContext({ sampleRate: 48_000 });
    onTestFinished(() => context.close());
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    for (const [channel, frequency] of [440, 2000].entries()) {
      const oscillator = new OscillatorNode(context, { frequency });
      oscillator.connect(merger, 0, channel);
      oscillator.start();
    }
    const destination = context.createMediaStreamDestination();
    destination.channelCount = 2;
    merger.connect(destination);
    const [track] = destination.stream.getAudioTracks();
    const [caller, callee] = twoCalls({ track: track!, opus: { stereo: true } });
    await Promise.all([caller.connect(), callee.connect()]);
    const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    callee.createSource(context).connect(splitter);
    const sides = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(context, { fftSize: 4096 });
      splitter.connect(analyser, channel);
      return analyser;
    });
    const heard = () => sides.map((side) => Math.round(loudestHz(side) / 20) * 20);
    await expect.poll(heard, POLL).toEqual([440, 2000]);
  });

  it('show the delay that the jitter buffer was set to keep', async () => {
    const { track, context } = await openTone();
    const [caller, callee] = twoCalls({ track }, { jitterBufferTarget: 250 });
    await Promise.all([caller.connect(), callee.connect()]);
    callee.createSource(context);
    let before = await callee.stats();
    const delay = async () => {
      const after = await callee.stats();
      const samples = after.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
      const seconds = (after.jitterBufferDelay - before.jitterBufferDelay) / samples;
      before = after;
      return seconds;
    };
    await expect.poll(delay, { timeout: 15_000, interval: 200 }).toBeGreaterThan(0.2);
    callee.jitterBufferTarget = null;
    expect(callee.jitterBufferTarget).toBeNull();
    expect(() => {
      callee.jitterBufferTarget = 5000;
    }).toThrow(RangeError);
  });

  it(
    'count the checks for consent, as often as the browser sends them',
    { timeout: 60_000 },
    async () => {
      const { track } = await openTone();
      const [caller, callee] = twoCalls({ track });
      await Promise.all([caller.connect(), callee.connect()]);
      const selected = async () => (await caller.ice()).selected!;
      const { responsesReceived } = await selected();
      // One every 2.5 s in Chromium, every 4 s or more in Firefox.
      await expect
        .poll(async () => (await selected()).responsesReceived, { timeout: 40_000 })
        .toBeGreaterThan(responsesReceived + 1);
      const { requestsSent, consentRequestsSent } = await selected();
      if (navigator.userAgent.includes('Firefox')) {
        expect([requestsSent, consentRequestsSent]).toEqual([0, null]);
      } else {
        expect(consentRequestsSent).toBeGreaterThan(0);
        expect(requestsSent).toBeGreaterThan(consentRequestsSent!);
      }
    },
  );

  it('are written to a dump that webrtc-dump-importer can read', async () => {
    const { track } = await openTone();
    const [caller, callee] = twoCalls({ track, historyIntervalMs: 50 });
    for (const call of [caller, callee]) call.createDataChannel({ label: 'notes', reliable: true });
    await Promise.all([caller.connect(), callee.connect()]);
    await expect.poll(() => caller.history.length).toBeGreaterThan(5);
    void caller.close();
    const dump = JSON.parse(dumpForImporter([caller, callee]));
    expect(dump.UserAgent).toBe(navigator.userAgent);
    expect(Array.isArray(dump.UserAgentData)).toBe(true);
    const [first, second] = Object.values(dump.PeerConnections) as {
      updateLog: { type: string; value: string }[];
      stats: Record<string, { statsType: string; values: string; startTime: string }>;
    }[];
    const types = first!.updateLog.map(({ type }) => type);
    const inOrder = [
      'createDataChannel',
      'transceiverAdded',
      'createOffer',
      'createOfferOnSuccess',
      'setLocalDescription',
      'setLocalDescriptionOnSuccess',
      'setRemoteDescription',
      'setRemoteDescriptionOnSuccess',
      'transceiverModified',
      'datachannelopen',
    ];
    const places = inOrder.map((type) => types.lastIndexOf(type));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(types).toContain('icecandidate');
    // Only the caller sends.
    expect(second!.updateLog.map(({ type }) => type)).toContain('track');
    const modified = first!.updateLog.findLast(({ type }) => type === 'transceiverModified')!;
    expect(modified.value).toContain(`sender:{ track:'${track.id}' }`);
    const sent = Object.entries(first!.stats).find(
      ([key, { statsType }]) => statsType === 'outbound-rtp' && key.endsWith('-packetsSent'),
    )!;
    const times = first!.stats[sent[0].replace(/packetsSent$/, 'timestamp')]!;
    expect(JSON.parse(sent[1].values).length).toBe(JSON.parse(times.values).length);
    expect(Math.floor(JSON.parse(times.values)[0])).toBe(Date.parse(times.startTime));
  });
});

describe.runIf(HAS_WEBRTC)('a call by relay', () => {
  it.each(['udp', 'tcp'])(
    'uses the lab’s own TURN server over %s, and reveals no other address',
    async (transport) => {
      const { track } = await openTone();
      const servers: (RTCIceServer & { urls: string[] })[] = await (
        await fetch('/ice-servers')
      ).json();
      const iceServers = servers.map((server) => ({
        ...server,
        urls: server.urls.filter((url) => url.endsWith(`transport=${transport}`)),
      }));
      const options = { iceServers, iceTransportPolicy: 'relay' } as const;
      const [caller, callee] = twoCalls({ ...options, track }, options);
      const channels = [caller.createDataChannel(), callee.createDataChannel()];
      await Promise.all([caller.connect(), callee.connect()]);
      await expect
        .poll(async () => (await callee.stats()).packetsReceived, POLL)
        .toBeGreaterThan(20);
      const { selected, local } = await caller.ice();
      expect(selected?.local?.type).toBe('relay');
      expect(selected?.remote?.type).toBe('relay');
      expect(selected?.local?.relayProtocol).toBe(transport);
      expect(local.every(({ type }) => type === 'relay')).toBe(true);
      const heard = new Promise((resolve) => {
        channels[1]!.onmessage = ({ data }) => resolve(data);
      });
      channels[0]!.send('over the relay');
      expect(await heard).toBe('over the relay');
    },
  );
});

it.runIf(HAS_WEBRTC)('the guide’s first example runs as written', async () => {
  const contexts: AudioContext[] = [];
  class KeptContext extends AudioContext {
    constructor() {
      super();
      contexts.push(this);
    }
  }
  vi.stubGlobal('AudioContext', KeptContext);
  const logged = vi.spyOn(console, 'log').mockReturnValue();
  onTestFinished(async () => {
    vi.unstubAllGlobals();
    for (const context of contexts) await context.close();
  });
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  await import('guide:docs/webrtc.md:0');
  const lines = logged.mock.calls.map(([name]) => name);
  logged.mockRestore();
  expect(lines).toEqual(['create', 'signal', 'ice', 'media', 'data', 'close']);
});

/** Firefox tries a loopback address only from another one, and has none without a microphone's permission (nICEr). */
const PAIRS_WITH_LOOPBACK = HAS_WEBRTC && !navigator.userAgent.includes('Firefox');

/** What DTLS and the first checks take: a certificate, some repetitions. */
const KEYS_AND_CHECKS_BYTES = 5000;

describe.runIf(PAIRS_WITH_LOOPBACK)('a call over the simulated network', () => {
  it('uses no other path, and has its delay', async () => {
    const { track } = await openTone();
    const base = location.origin.replace(/^http/, 'ws');
    const link = await LinkClient.connect(base);
    onTestFinished(() => link.close());
    await link.configure({ ...CLEAN, delayMs: 60 });
    const ends = await serverSignalling(link.signallingUrl('call'));
    const [caller, callee] = twoCalls({ track }, {}, ends);
    await Promise.all([caller.connect(), callee.connect()]);
    // The candidate that the server put in is the only one that either side got.
    expect(callee.offer?.match(/^a=candidate/gm)).toEqual(['a=candidate']);
    await expect.poll(async () => (await callee.stats()).packetsReceived, POLL).toBeGreaterThan(20);
    const { selected, remote } = await caller.ice();
    expect(remote.length).toBe(1);
    expect(selected!.roundTripTime!).toBeGreaterThan(0.115);
    await expect.poll(async () => (await caller.stats()).packetsSent, POLL).toBeGreaterThan(100);
    const figures = await caller.stats();
    const [lane] = (await link.statistics()).lanes;
    expect(lane!.kind).toBe('splice');
    const later = await caller.stats();
    // The link was asked between the two. What it counted itself holds the checks of ICE as well, and the agreement on keys.
    expect(lane!.forward.bytes).toBeGreaterThanOrEqual(figures.wireBytesSent);
    expect(lane!.forward.bytes).toBeLessThan(1.05 * later.wireBytesSent + KEYS_AND_CHECKS_BYTES);
  });
});

/** The RTP packets that come in to a call, as a page sees them: every 20 ms. @returns stops, and tells the longest pause so far */
function watchPackets(call: Call): {
  readonly lastAtMs: () => number;
  readonly count: () => number;
} {
  let lastAtMs = performance.now();
  let packets = 0;
  let ended = false;
  onTestFinished(() => {
    ended = true;
  });
  const look = async (): Promise<void> => {
    while (!ended) {
      const { packetsReceived } = await call.stats();
      if (packetsReceived !== packets) {
        packets = packetsReceived;
        lastAtMs = performance.now();
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  look().catch(() => {});
  return { lastAtMs: () => lastAtMs, count: () => packets };
}

const ufragOf = (call: Call): string =>
  /^a=ice-ufrag:(.*)$/m.exec(call.connection.localDescription?.sdp ?? '')?.[1] ?? '';
const iceMoments = (call: Call): readonly string[] =>
  stepOf(call, 'ice').moments.map(({ text }) => text.split(':')[0]!);

describe.runIf(PAIRS_WITH_LOOPBACK)('the packets that crossed a simulated network', () => {
  it('form a capture file in which tshark finds STUN, DTLS and RTP', async () => {
    const { track } = await openTone();
    const link = await LinkClient.connect(location.origin.replace(/^http/, 'ws'));
    onTestFinished(() => link.close());
    await link.configure(CLEAN);
    await link.record();
    const ends = await serverSignalling(link.signallingUrl('call'));
    const [caller, callee] = twoCalls({ track }, {}, ends);
    for (const call of [caller, callee]) call.createDataChannel();
    await Promise.all([caller.connect(), callee.connect()]);
    await expect.poll(async () => (await callee.stats()).packetsReceived, POLL).toBeGreaterThan(50);
    const file = await link.capture('call');
    const packets = await tsharkProtocols(file);
    if (packets === null) return;
    const count = (protocol: string) => packets.filter((each) => each.includes(protocol)).length;
    expect(count(':stun')).toBeGreaterThan(3);
    expect(count(':dtls')).toBeGreaterThan(0);
    expect(count(':rtp')).toBeGreaterThan(30);
    // tshark takes its time to start.
  }, 60_000);
});

describe.runIf(HAS_WEBRTC)('a restart of ICE', () => {
  it.each(['caller', 'callee'] as const)(
    'requested by the %s has new user fragments, and audio and data continue',
    async (role) => {
      const { track, context } = await openTone();
      const [caller, callee] = twoCalls({ track }, {}, await serverSignalling());
      const channels = [caller.createDataChannel(), callee.createDataChannel()];
      await Promise.all([caller.connect(), callee.connect()]);
      const analyser = new AnalyserNode(context, { fftSize: 4096 });
      callee.createSource(context).connect(analyser);
      const before = [ufragOf(caller), ufragOf(callee)];
      const packets = watchPackets(callee);
      await expect.poll(packets.count, POLL).toBeGreaterThan(20);
      await (role === 'caller' ? caller : callee).restartIce();
      const after = [ufragOf(caller), ufragOf(callee)];
      expect(new Set([...before, ...after]).size).toBe(4);
      const then = packets.count();
      await expect.poll(packets.count, POLL).toBeGreaterThan(then + 100);
      expect([caller.state, callee.state]).toEqual(['connected', 'connected']);
      await expect.poll(() => loudestHz(analyser)).toBeGreaterThan(425);
      expect(loudestHz(analyser)).toBeLessThan(455);
      const heard = new Promise((resolve) => {
        channels[1]!.onmessage = ({ data }) => resolve(data);
      });
      channels[0]!.send('after the restart');
      expect(await heard).toBe('after the restart');
      expect(iceMoments(caller)).toContain('ICE restarts');
    },
  );
});

/** A close code of an app's own: to the server, a connection that was lost. */
const LOST = 4000;

describe.runIf(HAS_WEBRTC)('a call that lost its signalling', () => {
  it('gets it back, and ICE restarts over it', { timeout: 60_000 }, async () => {
    const { track } = await openTone();
    const sockets: WebSocket[] = [];
    const createSocket = (url: string): WebSocket => {
      const socket = new WebSocket(url);
      sockets.push(socket);
      return socket;
    };
    const ends = await serverSignalling('/signal', { createSocket, firstDelayMs: 300 });
    const [caller, callee] = twoCalls({ track }, {}, ends);
    await Promise.all([caller.connect(), callee.connect()]);
    const packets = watchPackets(callee);
    await expect.poll(packets.count, POLL).toBeGreaterThan(20);
    for (const cut of [[0], [1], [0, 1]]) {
      const live = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
      const gone = new Promise<void>((resolve) => {
        ends[0].addEventListener('statechange', () => resolve(), { once: true });
      });
      for (const which of cut) live[which]!.close(LOST);
      // Both are told: the one that has lost its connection, and the one that waits for it.
      await gone;
      await expect(caller.restartIce()).rejects.toMatchObject({ code: 'transport' });
      await expect.poll(() => ends.map(({ state }) => state), POLL).toEqual(['ready', 'ready']);
      expect(ends.map(({ role }) => role)).toEqual(['caller', 'callee']);
      const before = [ufragOf(caller), ufragOf(callee)];
      await (cut.length === 2 ? caller : callee).restartIce();
      expect(new Set([...before, ufragOf(caller), ufragOf(callee)]).size).toBe(4);
      const then = packets.count();
      await expect.poll(packets.count, POLL).toBeGreaterThan(then + 50);
      expect([caller.state, callee.state]).toEqual(['connected', 'connected']);
    }
    expect(sockets).toHaveLength(6);
    // The end of the call is told as well.
    void caller.close();
    await expect.poll(() => callee.state).toBe('closed');
    expect(ends.map(({ error }) => error)).toEqual([null, null]);
  });
});

describe.runIf(PAIRS_WITH_LOOPBACK)(
  'a call on a network that changes',
  () => {
    async function openCall() {
      const { track } = await openTone();
      const link = await LinkClient.connect(location.origin.replace(/^http/, 'ws'));
      onTestFinished(() => link.close());
      await link.configure(CLEAN);
      const ends = await serverSignalling(link.signallingUrl('call'));
      const [caller, callee] = twoCalls({ track }, {}, ends);
      await Promise.all([caller.connect(), callee.connect()]);
      const packets = watchPackets(callee);
      await expect.poll(packets.count, POLL).toBeGreaterThan(20);
      const states: string[] = [];
      callee.addEventListener('statechange', () => states.push(callee.state));
      /** Waits for audio. @returns how long it took, ms */
      const audioBack = async (sinceMs: number): Promise<number> => {
        await expect
          .poll(packets.lastAtMs, { timeout: 30_000, interval: 20 })
          .toBeGreaterThan(sinceMs);
        return packets.lastAtMs() - sinceMs;
      };
      return { link, caller, callee, audioBack, states };
    }

    it('has audio again within 2 s when it is notified', async () => {
      const { link, caller, audioBack } = await openCall();
      await link.cutSplice('call');
      // What was under way has arrived.
      await new Promise((resolve) => setTimeout(resolve, 300));
      const tookMs = await (globalThis.dispatchEvent(new Event('online')),
      audioBack(performance.now()));
      console.info(`audio back ${tookMs.toFixed(0)} ms after the network changed`);
      expect(tookMs, JSON.stringify(stepOf(caller, 'ice').moments)).toBeLessThan(2000);
      expect(iceMoments(caller)).toContain('ICE restarts');
      expect((await link.statistics()).lanes[0]!.kind).toBe('splice');
    });

    it('finds out by itself without a notification, and has audio again within 2 s of that', async () => {
      const { link, callee, caller, audioBack, states } = await openCall();
      let lostAtMs = 0;
      for (const call of [caller, callee]) {
        call.addEventListener('statechange', () => {
          if (call.state === 'reconnecting') lostAtMs ||= performance.now();
        });
      }
      const cutAtMs = performance.now();
      await link.cutSplice('call');
      await expect.poll(() => lostAtMs, { timeout: 20_000 }).toBeGreaterThan(0);
      const tookMs = await audioBack(lostAtMs);
      const noticedMs = lostAtMs - cutAtMs;
      console.info(
        `noticed after ${noticedMs.toFixed(0)} ms, audio back ${tookMs.toFixed(0)} ms later`,
      );
      expect(tookMs, JSON.stringify(stepOf(caller, 'ice').moments)).toBeLessThan(2000);
      await expect.poll(() => [caller.state, callee.state]).toEqual(['connected', 'connected']);
      expect(states.at(-1)).toBe('connected');
    });

    it('has audio again within 2 s of the return of a path that was gone for a while', async () => {
      const { link, caller, audioBack } = await openCall();
      await link.configure({ ...CLEAN, lossRatio: 1 });
      await expect.poll(() => caller.state, { timeout: 20_000 }).toBe('reconnecting');
      // Restarts that do not help.
      await new Promise((resolve) => setTimeout(resolve, 5000));
      await link.configure(CLEAN);
      const tookMs = await audioBack(performance.now());
      console.info(`audio back ${tookMs.toFixed(0)} ms after the path came back`);
      expect(tookMs, JSON.stringify(stepOf(caller, 'ice').moments)).toBeLessThan(2000);
      await expect.poll(() => caller.state).toBe('connected');
    });
  },
  60_000,
);

describe.runIf(HAS_WEBRTC)('a call that cannot be established', () => {
  it('reports that the other side has not joined', async () => {
    const [end] = await serverSignalling();
    void end.close();
    const [, callee] = await serverSignalling();
    const call = Call.create(callee, { connectTimeoutMs: 1 });
    await expect(call.connect()).rejects.toMatchObject({ code: 'transport' });
    expect(stepOf(call, 'signal').state).toBe('failed');
    expect(stepOf(call, 'ice').state).toBe('skipped');
  });

  it('names the message that the other side sent instead of a description', async () => {
    const [signalling, other] = memorySignalling();
    const call = Call.create(signalling);
    const failed = expect(call.connect()).rejects.toThrow(/answer is refused by this browser/);
    other.addEventListener('message', ({ data: { type } }) => {
      if (type === 'describe') other.send({ type: 'describe', kind: 'answer', sdp: 'v=7' });
    });
    await failed;
    expect(call.state).toBe('closed');
  });

  it('ends on both sides when one hangs up meanwhile, and ignores bad candidates', async () => {
    const [signalling, other] = memorySignalling();
    const call = Call.create(signalling);
    const ended = expect(call.connect()).rejects.toMatchObject({ code: 'closed' });
    other.send({ type: 'candidate', candidate: 'candidate:nonsense', mid: '0', index: 0 });
    other.send({ type: 'describe', kind: 'offer', sdp: 'out of turn' });
    other.send({ type: 'bye', reason: 'not now' });
    await ended;
    expect(stepOf(call, 'close').moments[0]?.text).toBe('not now');
    expect(stepOf(call, 'signal').moments.map(({ text }) => text)).toContain(
      'offer out of turn, ignored',
    );
  });

  it('finds no path if only relays are allowed and there is no relay', async () => {
    const [caller, callee] = twoCalls({ iceTransportPolicy: 'relay', connectTimeoutMs: 1500 });
    const outcomes = await Promise.allSettled([caller.connect(), callee.connect()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(caller.offer).not.toContain('a=candidate');
  });
});
