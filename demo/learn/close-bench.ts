import { Call } from 'micwire';
import type { Signalling } from 'micwire';
import { closeReason } from '../controllers/close-reason.ts';
import { LinkClient } from '../link/link-client.ts';
import { CLEAN } from '../link/settings.ts';
import type { CloseEventKind, CloseSide, CloseWay } from './close-log.ts';
import { CloseLog, PacketWatch } from './close-log.ts';
import { exampleVoice } from './example-voice.ts';
import { meet, newRoom } from './meet.ts';
import { errorText } from '../../src/core/errors.ts';

/** How long a call is watched after an act that does not end it, ms. */
const WATCH_MS = 4000;
/** A call that has not ended after this long will not end, ms. */
const PATIENCE_MS = 45_000;
/** The first audio arrives within this long, ms. */
const AUDIO_MS = 5000;
const COUNT_MS = 100;
const QUIET_MS = 500;

/** Ways that leave the call up. */
const KEEPS_CALL: ReadonlySet<CloseWay> = new Set(['stop', 'remove'] as const);

/** Makes a call within the page, ends it in one of several ways, and keeps what both sides are told. */
export class CloseBench {
  phase: 'idle' | 'connecting' | 'watching' = 'idle';
  /** Why it did not work, in a sentence; else empty. */
  problem = '';
  /** The last trial of each way. */
  readonly logs = new Map<CloseWay, CloseLog>();
  /** The trial that is shown; null before the first. */
  log: CloseLog | null = null;
  readonly #changed: () => void;
  #context: AudioContext | null = null;
  #calls: readonly [one: Call, other: Call] | null = null;
  /** Of this side. */
  #own: Signalling | null = null;
  #link: LinkClient | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #actMs = 0;
  /** Counts trials: what comes back from an earlier one is out of date. */
  #runs = 0;

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Since the act. */
  get nowMs(): number {
    return performance.now() - this.#actMs;
  }

  /** Connects, and ends it. */
  async run(way: CloseWay): Promise<void> {
    this.stop();
    const run = this.#runs;
    this.phase = 'connecting';
    this.problem = '';
    const log = new CloseLog(way);
    this.log = log;
    this.#changed();
    try {
      const context = new AudioContext();
      this.#context = context;
      const signallings = await this.#meet(run, way);
      if (run !== this.#runs) {
        for (const signalling of signallings) void signalling.close();
        return;
      }
      const track = voiceTrack(context);
      // The page shows what the browser does, not what a call does about it.
      const options = { historyIntervalMs: 0, recoverTimeoutMs: 0 };
      const calls = [
        Call.create(signallings[0], { track, ...options }),
        Call.create(signallings[1], options),
      ] as const;
      this.#calls = calls;
      this.#own = signallings[0];
      const channels = calls.map((call) => call.createDataChannel({ label: 'learn' }));
      await Promise.all(calls.map((call) => call.connect()));
      await heard(calls[1].remoteTrack);
      if (run !== this.#runs) return;
      this.#actMs = performance.now();
      const noteAt = (side: CloseSide) => (kind: CloseEventKind, detail: string) => {
        if (run !== this.#runs) return;
        log.add({ atMs: this.nowMs, side, kind, detail });
        this.#changed();
      };
      for (const [i, side] of (['this', 'other'] as const).entries()) {
        watch(calls[i]!, channels[i]!, signallings[i]!, noteAt(side));
      }
      this.phase = 'watching';
      this.#count(run, log, calls[1]);
      noteAt('this')('act', '');
      await this.#act(way, calls, track);
    } catch (error) {
      if (run !== this.#runs) return;
      this.stop();
      this.problem = errorText(error);
      this.#changed();
    }
  }

  /** Ends the trial; what was seen remains. */
  stop(): void {
    this.#runs++;
    this.#own = null;
    clearInterval(this.#timer);
    for (const call of this.#calls ?? []) void call.close();
    this.#calls = null;
    this.#link?.close();
    this.#link = null;
    void this.#context?.close();
    this.#context = null;
    this.phase = 'idle';
    this.#changed();
  }

  async #meet(run: number, way: CloseWay): Promise<readonly [Signalling, Signalling]> {
    if (way !== 'vanish') return meet('/signal', newRoom());
    const link = await LinkClient.connect(location.origin.replace(/^http/, 'ws'));
    if (run === this.#runs) this.#link = link;
    else link.close();
    await link.configure(CLEAN);
    return meet(link.signallingUrl('learn'), newRoom());
  }

  async #act(
    way: CloseWay,
    [one, other]: readonly [Call, Call],
    track: MediaStreamTrack,
  ): Promise<void> {
    switch (way) {
      case 'bye':
        return one.close();
      case 'close':
        return one.connection.close();
      case 'vanish':
        // A side that has vanished says no bye either.
        if (this.#own !== null) this.#own.send = () => {};
        return this.#link?.configure({ ...CLEAN, lossRatio: 1 });
      case 'stop':
        return track.stop();
      case 'remove':
        one.connection.removeTrack(one.connection.getSenders()[0]!);
        return describeAgain(one.connection, other.connection);
    }
  }

  /** Counts what arrives, and sees when the trial is over. */
  #count(run: number, log: CloseLog, other: Call): void {
    const packets = new PacketWatch(QUIET_MS);
    const look = async (): Promise<void> => {
      const isOver = KEEPS_CALL.has(log.way)
        ? this.nowMs > WATCH_MS
        : log.has('other', 'call-closed') || this.nowMs > PATIENCE_MS;
      if (isOver) {
        // A trial that was left before its end gives nothing to compare.
        this.logs.set(log.way, log);
        return this.stop();
      }
      this.#changed();
      const atMs = this.nowMs;
      const { packetsReceived } = await other.stats();
      const lastMs = packets.add(atMs, packetsReceived);
      if (run !== this.#runs || lastMs === null || log.has('other', 'last-packet')) return;
      log.add({ atMs: lastMs, side: 'other', kind: 'last-packet', detail: '' });
    };
    // It rejects when the call has ended meanwhile.
    this.#timer = setInterval(() => void look().catch(() => {}), COUNT_MS);
  }
}

/** Waits for the first audio: until then a track is muted, and cannot become so. */
function heard(track: MediaStreamTrack | null): Promise<void> {
  return new Promise((resolve) => {
    if (track === null || !track.muted) return resolve();
    track.addEventListener('unmute', () => resolve(), { once: true });
    // A call that ends meanwhile has none.
    track.addEventListener('ended', () => resolve(), { once: true });
    setTimeout(resolve, AUDIO_MS);
  });
}

/** Notes what one side is told. */
function watch(
  call: Call,
  channel: RTCDataChannel,
  signalling: Signalling,
  note: (kind: CloseEventKind, detail: string) => void,
): void {
  const { connection, remoteTrack } = call;
  signalling.addEventListener('message', ({ data }) => {
    if (data.type === 'bye') note('bye', data.reason);
  });
  const follow = (): void => {
    const { connectionState } = connection;
    if (connectionState === 'disconnected' || connectionState === 'failed') {
      note(connectionState, '');
    } else if (connectionState === 'connected') note('reconnected', '');
  };
  // Before the call sees it, which closes the connection when it has failed.
  const callFollows = connection.onconnectionstatechange;
  connection.onconnectionstatechange = (event) => {
    follow();
    callFollows?.call(connection, event);
  };
  const dtls = connection.sctp?.transport;
  dtls?.addEventListener('statechange', () => {
    if (dtls.state === 'closed') note('dtls-closed', '');
  });
  channel.addEventListener('error', (event) =>
    note('channel-error', (event as RTCErrorEvent).error.message),
  );
  channel.addEventListener('close', () => note('channel-closed', ''));
  remoteTrack?.addEventListener('mute', () => note('muted', ''));
  remoteTrack?.addEventListener('ended', () => note('ended', ''));
  call.addEventListener('statechange', () => {
    if (call.state === 'closed') note('call-closed', closeReason(call));
  });
}

/** Offer and answer again, within the page. */
async function describeAgain(from: RTCPeerConnection, to: RTCPeerConnection): Promise<void> {
  await from.setLocalDescription();
  await to.setRemoteDescription(from.localDescription!);
  await to.setLocalDescription();
  await from.setRemoteDescription(to.localDescription!);
}

/** The example voice as a track, looped; nobody hears it. */
function voiceTrack(context: AudioContext): MediaStreamTrack {
  const samples = exampleVoice(context.sampleRate, context.sampleRate);
  const buffer = new AudioBuffer({ length: samples.length, sampleRate: context.sampleRate });
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  source.connect(destination);
  source.start();
  return destination.stream.getAudioTracks()[0]!;
}
