import type { LaneTotals } from '../measure/metrics.ts';
import type { Call, CallFigures, CallOptions } from 'micwire';
import { srtpWireBytes } from '../measure/wire-bytes.ts';
import { connectCalls, openCalls } from './lane-calls.ts';
import type { LaneState } from './lane-messages.ts';
import type { CallEnds, ComparedLane, LaneBuild } from './lane.ts';

/** What tells lanes of WebRTC apart. */
export interface WebrtcLaneOptions {
  /** Copies of earlier packets in each (RED). */
  readonly redundancy: boolean;
}

/** Opens a lane that is WebRTC's own: track → RTCPeerConnection → track. */
export async function openWebrtcLane(
  parts: LaneBuild,
  { redundancy }: WebrtcLaneOptions,
): Promise<ComparedLane> {
  const { context, id, link, settings, stream } = parts;
  const track = stream().getAudioTracks()[0]!;
  const opus = {
    bitrate: settings.bitrate,
    ptimeMs: settings.chunkDurationMs as NonNullable<NonNullable<CallOptions['opus']>['ptimeMs']>,
  };
  const calls = await openCalls(id, link, {
    sender: { track, receive: false, redundancy, opus },
    receiver: { redundancy },
  });
  await connectCalls(calls);
  return new WebrtcLane(calls, calls.receiver.createSource(context), redundancy);
}

class WebrtcLane implements ComparedLane {
  readonly output: AudioNode;
  readonly call: CallEnds<Call>;
  state: LaneState = 'running';
  reason = '';
  onchange: (() => void) | null = null;
  readonly #redundancy: boolean;
  #figures: CallEnds<CallFigures> | null = null;

  constructor(calls: CallEnds<Call>, output: AudioNode, redundancy: boolean) {
    this.#redundancy = redundancy;
    this.call = calls;
    this.output = output;
    for (const call of [calls.sender, calls.receiver]) {
      call.addEventListener('error', ({ detail }) => {
        this.state = 'failed';
        this.reason = detail.message;
        this.onchange?.();
      });
    }
  }

  async totals(): Promise<LaneTotals> {
    const { sender, receiver } = this.call;
    try {
      const [sent, received] = await Promise.all([sender.stats(), receiver.stats()]);
      this.#figures = { sender: sent, receiver: received };
    } catch {
      // The call has ended: its counts stay as they were.
    }
    return totalsOf(this.#figures, this.#redundancy);
  }

  async lastMessage(): Promise<null> {
    return null;
  }

  async captureFile(): Promise<null> {
    return null;
  }

  close(): void {
    this.onchange = null;
    void this.call.sender.close();
    void this.call.receiver.close();
  }
}

/** @param redundancy copies that are not needed count among the discarded, so that nobody can tell which were late */
function totalsOf(figures: CallEnds<CallFigures> | null, redundancy: boolean): LaneTotals {
  const atMs = performance.now();
  if (figures === null) return { atMs };
  const { sender, receiver } = figures;
  const rtpBytes = sender.bytesSent + sender.headerBytesSent;
  return {
    ...receiver,
    atMs,
    packetsSent: sender.packetsSent,
    payloadBytes: sender.bytesSent,
    wireBytes: srtpWireBytes(rtpBytes, sender.packetsSent),
    // Its packets are never sent again.
    repeatedBytes: 0,
    packetsLate: redundancy ? null : receiver.packetsDiscarded,
    packetsRecovered: receiver.fecPacketsReceived - receiver.fecPacketsDiscarded,
  };
}
