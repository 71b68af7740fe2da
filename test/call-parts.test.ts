import { describe, expect, it } from 'vitest';
import { callFigures } from '../src/core/webrtc/call-figures.ts';
import { CALL_STEPS, CallTimeline } from '../src/core/webrtc/call-timeline.ts';
import { iceReport } from '../src/core/webrtc/ice-report.ts';
import type { StatsEntry } from '../src/core/webrtc/call-figures.ts';
import { importerDump } from '../src/web/webrtc/dump.ts';

/** A report as Chromium gives it, cut down; `at` ms after the first. */
function report(at: number): StatsEntry[] {
  const timestamp = 1_795_344_677_000 + at;
  const packets = 100 + at / 20;
  return [
    { id: 'C111', type: 'codec', timestamp, mimeType: 'audio/opus' },
    {
      id: 'Lv4',
      type: 'local-candidate',
      timestamp,
      candidateType: 'host',
      address: '192.0.2.2',
      port: 5,
      protocol: 'udp',
      priority: 10,
    },
    {
      id: 'Lv6',
      type: 'local-candidate',
      timestamp,
      candidateType: 'relay',
      address: '2001:db8::1',
      port: 6,
      protocol: 'udp',
      priority: 20,
      relayProtocol: 'udp',
      url: 'turn:x',
    },
    {
      id: 'R1',
      type: 'remote-candidate',
      timestamp,
      candidateType: 'srflx',
      address: '203.0.113.7',
      port: 7,
      protocol: 'udp',
      priority: 30,
    },
    {
      id: 'P1',
      type: 'candidate-pair',
      timestamp,
      localCandidateId: 'Lv4',
      remoteCandidateId: 'R1',
      state: 'succeeded',
      nominated: true,
      priority: 1,
      currentRoundTripTime: 0.04,
      bytesSent: packets * 100,
      packetsSent: packets,
      bytesReceived: 50,
      packetsReceived: 1,
      requestsSent: 3,
      responsesReceived: 2,
      consentRequestsSent: 1,
    },
    {
      id: 'P2',
      type: 'candidate-pair',
      timestamp,
      localCandidateId: 'Lv6',
      remoteCandidateId: 'R1',
      state: 'failed',
      nominated: false,
      priority: 9,
      bytesSent: 30,
      packetsSent: 1,
    },
    { id: 'T1', type: 'transport', timestamp, selectedCandidatePairId: 'P1' },
    {
      id: 'O1',
      type: 'outbound-rtp',
      kind: 'audio',
      timestamp,
      codecId: 'C111',
      packetsSent: packets,
      bytesSent: packets * 80,
      headerBytesSent: packets * 12,
    },
    {
      id: 'I1',
      type: 'inbound-rtp',
      kind: 'audio',
      timestamp,
      packetsReceived: 1,
      packetsLost: -1,
      jitter: 0.002,
      concealedSamples: 480,
    },
    {
      id: 'RI',
      type: 'remote-inbound-rtp',
      kind: 'audio',
      timestamp: timestamp + 5000,
      roundTripTime: 0.05,
      packetsLost: 3,
      fractionLost: 0.25,
    },
  ];
}

describe('callFigures', () => {
  it('copies figures by their names, and uses 0 for figures that are not reported', () => {
    const figures = callFigures(report(0), null);
    expect(figures).toMatchObject({
      timestamp: 1_795_344_677_000,
      packetsSent: 100,
      packetsLost: -1,
      jitter: 0.002,
      concealedSamples: 480,
      remotePacketsLost: 3,
      fractionLost: 0.25,
      roundTripTime: 0.05,
      sendCodec: 'audio/opus',
      receiveCodec: '',
      fecPacketsReceived: 0,
      sentBitrate: 0,
    });
  });

  it('adds the headers of UDP and IP to the bytes of every pair', () => {
    const { wireBytesSent, wireBytesReceived } = callFigures(report(0), null);
    expect(wireBytesSent).toBe(100 * (100 + 8 + 20) + (30 + 8 + 40));
    expect(wireBytesReceived).toBe(50 + 8 + 20);
  });

  it('computes bitrates from one report to the next', () => {
    const figures = callFigures(report(1000), callFigures(report(0), null));
    // 50 packets of 80 bytes in a second.
    expect(figures.sentBitrate).toBe(50 * 80 * 8);
    expect(figures.wireSentBitrate).toBe(50 * 128 * 8);
    expect(figures.receivedBitrate).toBe(0);
  });

  it('uses the round trip of ICE if RTCP has not measured one, and zeros for an empty report', () => {
    const without = report(0).filter(({ type }) => type !== 'remote-inbound-rtp');
    expect(callFigures(without, null).roundTripTime).toBe(0.04);
    expect(new Set(Object.values(callFigures([], null)))).toEqual(new Set([0, '']));
  });
});

describe('iceReport', () => {
  it('puts the selected pair first, and names its ends', () => {
    const { local, remote, pairs, selected } = iceReport(report(0));
    expect(local.map(({ type }) => type)).toEqual(['relay', 'host']);
    expect(remote[0]).toMatchObject({ type: 'srflx', address: '203.0.113.7', port: 7 });
    expect(pairs.map(({ id }) => id)).toEqual(['P1', 'P2']);
    expect(selected).toMatchObject({ id: 'P1', roundTripTime: 0.04, selected: true });
    expect(pairs[1]!.roundTripTime).toBeNull();
    expect(pairs.map(({ consentRequestsSent }) => consentRequestsSent)).toEqual([1, null]);
  });

  it.each([
    ['what the pair says of itself, as in Firefox', { selected: true }],
    ['the one that was nominated', {}],
  ])('finds the selected pair without a transport’s report by %s', (_name, extra) => {
    const entries = report(0)
      .filter(({ type }) => type !== 'transport')
      .map((entry) => (entry.id === 'P1' ? { ...entry, ...extra } : entry));
    expect(iceReport(entries).selected?.id).toBe('P1');
  });

  it('has no pair before one is selected', () => {
    expect(iceReport([])).toEqual({ local: [], remote: [], pairs: [], selected: null });
  });
});

describe('CallTimeline', () => {
  it('moves each step from waiting to its end, once', () => {
    const timeline = new CallTimeline();
    expect(timeline.steps.map(({ name }) => name)).toEqual([...CALL_STEPS]);
    timeline.end('ice', 1);
    expect(timeline.step('ice').state).toBe('waiting');
    timeline.begin('ice', 2);
    timeline.begin('ice', 3);
    timeline.note('ice', 4, 'found');
    timeline.end('ice', 5, 'failed');
    timeline.end('ice', 6);
    timeline.skip('ice');
    expect(timeline.step('ice')).toEqual({
      name: 'ice',
      state: 'failed',
      startMs: 2,
      endMs: 5,
      waitedMs: null,
      moments: [{ atMs: 4, text: 'found' }],
    });
    timeline.met('signal', 7);
    expect(timeline.step('signal').waitedMs).toBeNull();
    timeline.begin('signal', 8);
    timeline.met('signal', 20);
    timeline.met('signal', 30);
    expect(timeline.step('signal').waitedMs).toBe(12);
    timeline.skip('data');
    expect(timeline.step('data')).toMatchObject({ state: 'skipped', startMs: null });
  });

  it('gives snapshots that do not change, and keeps the latest moments', () => {
    const timeline = new CallTimeline();
    const before = timeline.steps;
    for (let i = 0; i < 300; i++) timeline.note('signal', i, `moment ${i}`);
    expect(before[1]!.moments).toEqual([]);
    const { moments } = timeline.step('signal');
    expect([moments.length, moments[0]!.atMs, moments.at(-1)!.atMs]).toEqual([200, 100, 299]);
  });
});

describe('importerDump', () => {
  const dump = JSON.parse(
    importerDump(
      [
        {
          id: 'caller-1',
          url: 'https://lab.example/',
          configuration: { iceServers: [] },
          updates: [
            {
              timeMs: 1_795_344_677_123,
              type: 'setLocalDescription',
              value: 'type: offer, sdp: v=0',
            },
          ],
          reports: [report(0).slice(0, 3), report(1000)],
        },
      ],
      { userAgent: 'Browser/1', brands: [{ brand: 'Browser', version: '1' }] },
    ),
  );
  const peer = dump.PeerConnections['caller-1'];

  it('has the fields that the importer reads', () => {
    expect(Object.keys(dump)).toEqual([
      'getUserMedia',
      'PeerConnections',
      'UserAgent',
      'UserAgentData',
    ]);
    expect(peer.url).toBe('https://lab.example/');
    expect(peer.updateLog).toEqual([
      {
        time: '2026-11-22T10:51:17.123Z',
        type: 'setLocalDescription',
        value: 'type: offer, sdp: v=0',
      },
    ]);
  });

  it('has each figure as a series, as long as the series of its times', () => {
    const series = peer.stats['Lv4-port'];
    expect(series).toMatchObject({ statsType: 'local-candidate', values: '[5,5]' });
    expect(Date.parse(series.endTime) - Date.parse(series.startTime)).toBe(1000);
    expect(peer.stats['O1-packetsSent'].values).toBe('[150]');
    expect(JSON.parse(peer.stats['O1-timestamp'].values).length).toBe(1);
    expect(peer.stats['O1-id']).toBeUndefined();
  });

  it('lists the tracks from getUserMedia as its calls, in the importer’s columns', () => {
    const track = {
      kind: 'audio',
      id: 'a1',
      label: 'Desk microphone',
      getConstraints: () => ({ echoCancellation: true }),
    } as MediaStreamTrack;
    const text = importerDump([], { userAgent: '', brands: [] }, [track]);
    const [request, answer] = JSON.parse(text).getUserMedia;
    expect(request).toMatchObject({ request_type: 'getUserMedia', pid: 0, rid: 0, request_id: 1 });
    expect(request.origin).not.toBe('');
    expect(JSON.parse(request.audio)).toEqual({ echoCancellation: true });
    // An answer is told from a request by having no origin.
    expect(answer).toEqual({
      pid: 0,
      rid: 0,
      request_id: 1,
      request_type: 'getUserMediaOnSuccess',
      audio_track_info: 'id:a1 label:Desk microphone',
    });
  });

  it('pads a figure that is first reported later than its times', () => {
    const late = report(1000).map((entry) => (entry.id === 'O1' ? { ...entry, late: 7 } : entry));
    const text = importerDump(
      [{ id: 'a', url: '', configuration: {}, updates: [], reports: [report(0), late] }],
      { userAgent: '', brands: [] },
    );
    expect(JSON.parse(text).PeerConnections.a.stats['O1-late'].values).toBe('[0,7]');
  });
});
