import { Call, memorySignalling } from 'micwire';
import type { Signalling } from 'micwire';
import { closeReason } from '../controllers/close-reason.ts';
import { LinkClient } from '../link/link-client.ts';
import { CLEAN } from '../link/settings.ts';
import type { BurstMode } from './burst-log.ts';
import { BURST_BYTES, BurstLog, LOW_BYTES, sendBurst } from './burst-log.ts';
import type { ChannelChoice } from './channel-open.ts';
import { channelInit } from './channel-open.ts';
import { meet, newRoom } from './meet.ts';
import { PingLog } from '../measure/ping-log.ts';
import { errorText } from '../../src/core/errors.ts';

/** What the simulated network does, each way. */
export interface ChannelsLink {
  readonly lossRatio: number;
  readonly delayMs: number;
}

/** What the other side was told about a channel. */
export type ToldChannel = Pick<
  RTCDataChannel,
  'id' | 'label' | 'ordered' | 'maxRetransmits' | 'maxPacketLifeTime' | 'negotiated' | 'protocol'
>;

/** The channels that are pinged. */
export type PingedChannel = 'reliable' | 'unreliable';

const PING_MS = 100;
const SAMPLE_MS = 20;
/** Capacity, kbit/s: low enough for a burst to take some time. */
export const LINK_KBPS = 8000;

/** A call within the page over the simulated network, with channels that are pinged, and one for a burst. */
export class ChannelsBench {
  link: ChannelsLink = { lossRatio: 0.05, delayMs: 40 };
  phase: 'idle' | 'busy' | 'up' = 'idle';
  /** Why the call failed, in a sentence; else empty. */
  problem = '';
  /** Whether the simulated network carries the call; without it nothing is lost. */
  isModelled = true;
  logs: Readonly<Record<PingedChannel, PingLog>> = newLogs();
  burst: BurstLog | null = null;
  /** What the other side was told when a channel was opened last; null before. */
  told: ToldChannel | null = null;
  readonly #changed: () => void;
  #calls: readonly [caller: Call, callee: Call] | null = null;
  #client: LinkClient | null = null;
  #bulk: RTCDataChannel | null = null;
  #bulkReceived = 0;
  #pings: ReturnType<typeof setInterval> | undefined;
  #samples: ReturnType<typeof setInterval> | undefined;
  /** Counts calls: what comes back from an earlier one is out of date. */
  #runs = 0;

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  async start(): Promise<void> {
    this.stop();
    const run = this.#runs;
    this.phase = 'busy';
    this.problem = '';
    this.logs = newLogs();
    this.burst = null;
    this.told = null;
    this.#changed();
    try {
      const signallings = await this.#meet(run);
      if (run !== this.#runs) {
        for (const signalling of signallings) void signalling.close();
        return;
      }
      const calls = signallings.map((signalling) =>
        Call.create(signalling, { receive: false, historyIntervalMs: 0 }),
      ) as [Call, Call];
      this.#calls = calls;
      const channels = calls.map((call) => ({
        reliable: call.createDataChannel({ label: 'reliable', reliable: true }),
        unreliable: call.createDataChannel({ label: 'unreliable' }),
        bulk: call.createDataChannel({ label: 'burst', reliable: true }),
      }));
      for (const call of calls) {
        call.addEventListener('statechange', () => {
          if (run === this.#runs && call.state === 'closed') this.#fail(closeReason(call));
        });
      }
      await Promise.all(calls.map((call) => call.connect()));
      if (run !== this.#runs) return;
      const [own, other] = channels;
      this.#ping('reliable', own!.reliable, other!.reliable);
      this.#ping('unreliable', own!.unreliable, other!.unreliable);
      this.#bulk = own!.bulk;
      this.#bulk.bufferedAmountLowThreshold = LOW_BYTES;
      other!.bulk.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
        this.#bulkReceived += data.byteLength;
      };
      this.#pings = setInterval(() => {
        for (const name of ['reliable', 'unreliable'] as const) this.#send(name, own![name]);
        this.#changed();
      }, PING_MS);
      this.phase = 'up';
      this.#changed();
    } catch (error) {
      if (run === this.#runs) this.#fail(errorText(error));
    }
  }

  stop(): void {
    this.#runs++;
    clearInterval(this.#pings);
    clearInterval(this.#samples);
    for (const call of this.#calls ?? []) void call.close();
    this.#calls = null;
    this.#client?.close();
    this.#client = null;
    this.#bulk = null;
    this.phase = 'idle';
    this.#changed();
  }

  /** Takes effect at once. */
  configure(changes: Partial<ChannelsLink>): void {
    this.link = { ...this.link, ...changes };
    this.#changed();
    const run = this.#runs;
    this.#configure().catch((error: unknown) => {
      if (run === this.#runs) this.#fail(errorText(error));
    });
  }

  /** Sends a burst over a channel of its own. */
  sendBurst(mode: BurstMode): void {
    const channel = this.#bulk;
    if (channel === null || this.isBusy) return;
    const log = new BurstLog(mode);
    this.burst = log;
    this.#bulkReceived = 0;
    const startMs = performance.now();
    const sample = (): void =>
      log.add({
        atMs: performance.now() - startMs,
        buffered: channel.bufferedAmount,
        received: this.#bulkReceived,
      });
    sample();
    let left = sendBurst(channel, BURST_BYTES, mode);
    sample();
    channel.onbufferedamountlow = () => {
      log.lowMs.push(performance.now() - startMs);
      left = sendBurst(channel, left, mode);
      sample();
    };
    this.#samples = setInterval(() => {
      sample();
      if (log.doneMs !== null) clearInterval(this.#samples);
      this.#changed();
    }, SAMPLE_MS);
    this.#changed();
  }

  /** Whether a burst is under way. */
  get isBusy(): boolean {
    return this.phase === 'up' && this.burst !== null && this.burst.doneMs === null;
  }

  /** Opens a channel that the other side does not know of, with a message (RFC 8832). */
  open(choice: ChannelChoice): void {
    const [caller, callee] = this.#calls ?? [];
    if (caller === undefined || callee === undefined) return;
    callee.connection.ondatachannel = ({ channel }) => {
      const { id, label, ordered, maxRetransmits, maxPacketLifeTime, negotiated, protocol } =
        channel;
      this.told = { id, label, ordered, maxRetransmits, maxPacketLifeTime, negotiated, protocol };
      this.#changed();
    };
    const channel = caller.connection.createDataChannel(choice.label, channelInit(choice));
    // It has served its purpose when it is open: the other side was told.
    channel.onopen = () => channel.close();
  }

  async #meet(run: number): Promise<readonly [Signalling, Signalling]> {
    let client: LinkClient;
    try {
      client = await LinkClient.connect(location.origin.replace(/^http/, 'ws'));
    } catch {
      this.isModelled = false;
      return memorySignalling();
    }
    if (run !== this.#runs) {
      client.close();
      return memorySignalling();
    }
    this.isModelled = true;
    this.#client = client;
    await this.#configure();
    return meet(client.signallingUrl('learn'), newRoom());
  }

  async #configure(): Promise<void> {
    await this.#client?.configure({ ...CLEAN, ...this.link, rateKbps: LINK_KBPS, queueMs: 500 });
  }

  #ping(name: PingedChannel, own: RTCDataChannel, other: RTCDataChannel): void {
    other.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (other.readyState === 'open') other.send(data);
    };
    const log = this.logs[name];
    own.onmessage = ({ data }: MessageEvent<ArrayBuffer>) =>
      log.returned(new DataView(data).getUint32(0), performance.now());
  }

  #send(name: PingedChannel, channel: RTCDataChannel): void {
    if (channel.readyState !== 'open') return;
    const message = new DataView(new ArrayBuffer(4));
    message.setUint32(0, this.logs[name].send(performance.now()));
    channel.send(message);
  }

  #fail(problem: string): void {
    this.stop();
    this.problem = problem;
    this.#changed();
  }
}

function newLogs(): Readonly<Record<PingedChannel, PingLog>> {
  return { reliable: new PingLog(), unreliable: new PingLog() };
}
