import { bytesPerSample } from '../../src/core/format/formats.ts';
import { PacketError } from '../../src/core/errors.ts';
import type { Packet } from '../../src/core/framing/packet.ts';
import type { ReceiveCommand, ReceiveEvent } from '../../src/core/messages.ts';
import {
  RECEIVE_STATISTICS,
  REPORT,
  REPORT_FIELDS,
  REPORT_LENGTH,
} from '../../src/core/receive/receive-report.ts';
import type { ReceiveStatistic } from '../../src/core/receive/receive-report.ts';
import { ReceiveFeed } from '../../src/core/receive/receive-feed.ts';
import type { VariableResamplerPlan } from '../../src/core/resampler/variable-resampler.ts';
import { planVariableResampler } from '../../src/core/resampler/variable-resampler-planner.ts';
import type { Clock } from './invariants.ts';
import { Listener, PROBATION } from './listener.ts';
import type { PlayingProcessor, Processors } from './processors.ts';
import type { Recovery } from './recovery.ts';
import type { Action, Journey } from './schedule.ts';
import type { Sent } from './sender.ts';

const UNSTEADY: ReadonlySet<string> = new Set(['restart', 'jump', 'reset', 'step']);
const CAPACITY_PACKETS = 512;
const LONGEST_PACKET_MS = 120;
const MAX_DELAY_MS = 1000;
/** A join may be so much steeper than the signal: time-scaling and cross-fades add up two slopes of it, at most. */
const JOIN = 2.5;
/** Packets that came again, at most, beside those of the probation. */
const MOST_REFUSED_SHARE = 0.02;
/** From a packet's arrival until it has been heard, at most, ms. */
const STEP_MS = 3000;
/** Packets that may pass for lost where the sender's numbers leap, or the path shortens by seconds. */
const MOST_INVENTED = 5000;
/** What concealment adds of its own, background noise. */
const NOISE = 0.02;

const INDEX = new Map(RECEIVE_STATISTICS.map((name, index) => [name, index]));

/** Reads between two frames by a straight line: the cheapest of all plans, and exact where the speed is 1. */
function linearPlan(inputRate: number, outputRate: number): VariableResamplerPlan {
  const coefficients = Float64Array.of(1, 0, -1, 1, 0, 0, 0, 0);
  return {
    inputRate,
    outputRate,
    quality: 'voice',
    stages: [],
    latencyFrames: 1,
    taps: 2,
    phases: 1,
    coefficients,
  };
}

/** A `Receiver`: its page's part is `ReceiveFeed`, its processor one of {@link Processors}. */
export class ReceiverListener extends Listener<ReceiveCommand, ReceiveEvent> {
  readonly #engine: PlayingProcessor<ReceiveCommand>;
  readonly #feed: ReceiveFeed;
  readonly #recovery: Recovery;
  readonly #steepest: number;
  readonly #checksJoins: boolean;
  /** Whether the sender's numbers continue from beginning to end, and nothing overtakes by more than a few packets. */
  readonly #numbersAreSteady: boolean;
  /** Whether the sender restarts once, and nothing else happens. */
  readonly #onlyRestarts: boolean;
  /** The last report, as the page has it. */
  readonly #values = new Float64Array(REPORT_LENGTH);
  /** Packets and copies that were handed over, and buffers that came back. */
  #inserted = 0;
  #copies = 0;
  #returned = 0;
  #resets = 0;
  #closed = false;
  /** Joins may be steep until then: two senders' sounds met, of which nobody knows how much lies between. */
  #steepUntil = 0;
  /** Whether it was reset, and nothing has come since: what comes begins with any sample. */
  #begins = false;
  #segment = 0;
  /** Packets between the page and the audio thread. */
  readonly #underWay: Sent[] = [];

  constructor(
    journey: Journey,
    processors: Processors,
    clock: Clock,
    recovery: Recovery,
    steepest: number,
  ) {
    super(journey.world, clock);
    const { world } = journey;
    const [first, ...others] = journey.actions;
    this.#onlyRestarts = first?.kind === 'restart' && others.length === 0;
    this.#numbersAreSteady = !journey.actions.some(({ kind }) => UNSTEADY.has(kind));
    const { format, sampleRate, channels, listenerRate, fullResampler } = world;
    this.#recovery = recovery;
    this.#steepest = JOIN * steepest * Math.max(1, sampleRate / listenerRate) + NOISE;
    this.#checksJoins = world.signal === 'voice' && world.senderRate === sampleRate;
    const maxPacketFrames = Math.ceil((LONGEST_PACKET_MS / 1000) * sampleRate);
    const maxPayloadBytes = maxPacketFrames * channels * bytesPerSample(format);
    const plan = fullResampler || sampleRate !== listenerRate ? planVariableResampler : undefined;
    this.#engine = processors.receive(
      {
        format,
        sampleRate,
        channels,
        outputChannels: channels,
        resampler:
          plan === undefined
            ? linearPlan(sampleRate, listenerRate)
            : plan({ inputRate: sampleRate, outputRate: listenerRate, quality: 'voice' }),
        limits: { minDelayMs: 0, maxDelayMs: MAX_DELAY_MS, latencyCost: null },
        capacityPackets: CAPACITY_PACKETS,
        maxPayloadBytes,
        maxPacketFrames,
        opus: null,
        snapshot: null,
      },
      listenerRate,
      (message) => this.#fromProcessor(message as ReceiveEvent),
    );
    this.#feed = new ReceiveFeed({
      format,
      sampleRate,
      channels,
      maxPayloadBytes,
      maxPacketFrames,
      send: (delivery) => {
        if (delivery.copy === 0) this.#inserted++;
        else this.#copies++;
        this.post(delivery);
      },
    });
  }

  /** Two sounds meet whose distance nobody knows: for so long a step is the sender's own. */
  #expectStep(): void {
    this.#steepUntil = this.clock.now + STEP_MS;
  }

  /** Ends the processor and checks what it has to say. */
  close(): void {
    this.settle();
    this.post({ type: 'close' });
    this.settle();
    const { clock } = this;
    if (!this.#closed) clock.fail('all settled', 'close was not answered.');
    if (this.#onlyRestarts) {
      const most = PROBATION + MOST_REFUSED_SHARE * this.#inserted;
      clock.within(
        'no audio refused',
        'packets discarded that were not late',
        this.#count('packetsDiscarded') - this.#count('packetsLate'),
        0,
        most,
      );
    }
    clock.equal(
      'bounded memory',
      'buffers that came back',
      this.#returned,
      this.#inserted + this.#copies,
    );
  }

  protected act(action: Action): void {
    if (action.kind === 'limits')
      this.post({ type: 'limits', minDelayMs: action.min, maxDelayMs: action.max });
    else if (action.kind === 'reset') this.#reset();
  }

  protected undo(action: Action): void {
    if (action.kind === 'limits')
      this.post({ type: 'limits', minDelayMs: 0, maxDelayMs: MAX_DELAY_MS });
  }

  protected obey(command: ReceiveCommand): void {
    if (command.type === 'reset') this.#begins = true;
    this.#engine.obey(command, this.frame);
  }

  protected insert(packets: readonly Packet[], sent: Sent): void {
    try {
      this.#feed.insert(packets);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      if (sent.kind === 'audio')
        this.clock.fail(
          'no audio refused',
          `packet ${sent.sequence} was refused: ${error.message}`,
        );
    }
    if (sent.kind !== 'audio') return;
    this.#underWay.push(sent);
  }

  protected newStream(): void {
    this.#reset();
  }

  protected afterTurn(): void {}

  protected renderQuantum(output: readonly Float32Array[]): void {
    for (const sent of this.#underWay) {
      this.#recovery.arrived(sent);
      if (sent.segment !== this.#segment || this.#begins) this.#expectStep();
      this.#segment = sent.segment;
      this.#begins = false;
    }
    this.#underWay.length = 0;
    if (!this.#engine.render(output, this.frame))
      this.clock.fail('no exception', 'the receiver ended by itself.');
    const samples = output[0]!;
    const steepest = this.steepestStep(samples);
    if (!this.#checksJoins || this.#begins || this.clock.now < this.#steepUntil) return;
    this.clock.within('no click', 'step from sample to sample', steepest, 0, this.#steepest);
  }

  protected hear(event: ReceiveEvent): void {
    if (event.type === 'buffer') {
      this.#returned++;
      this.#feed.giveBack(event);
    } else if (event.type === 'closed') this.#closed = true;
  }

  #reset(): void {
    this.#resets++;
    this.post({ type: 'reset' });
  }

  #fromProcessor(event: ReceiveEvent): void {
    if (event.type === 'report') {
      this.#values.set(event.values);
      this.#checkReport();
    } else
      this.tell(
        event.type === 'buffer'
          ? { type: 'buffer', frame: event.frame, buffer: event.buffer }
          : { ...event },
      );
  }

  /** Expected less received (RFC 3550 A.3). Where numbers leap, nobody can tell what was lost; but nobody invents thousands. */
  #checkLosses(lost: number): void {
    const { clock } = this;
    if (this.#numbersAreSteady)
      clock.equal('losses told truly', 'packets lost', lost, this.missing);
    else
      clock.within(
        'losses told truly',
        'packets lost',
        lost,
        -this.#inserted - 10,
        this.missing + MOST_INVENTED,
      );
  }

  #count(name: ReceiveStatistic): number {
    return this.#values[REPORT_FIELDS.length + INDEX.get(name)!]!;
  }

  /** What holds at every report. */
  #checkReport(): void {
    const { clock, world } = this;
    const values = this.#values;
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i]!))
        clock.fail('finite', `figure ${i} of the report is ${values[i]}.`);
    }
    const buffered = values[REPORT.bufferedMs]!;
    const longest = 2 * LONGEST_PACKET_MS;
    clock.within(
      'bounded memory',
      'what waits, ms',
      buffered,
      0,
      CAPACITY_PACKETS * 2 * world.chunkMs + longest + 60_000,
    );
    const concealed = this.#count('concealedSamples');
    const emitted = this.#count('jitterBufferEmittedCount');
    const played = this.#count('totalSamplesReceived');
    // Frames that came out of the buffer or were concealed, longer or shorter by what was scaled, have been played, but for
    // what is decoded and waits.
    const waits =
      emitted +
      concealed +
      this.#count('insertedSamplesForDeceleration') -
      this.#count('removedSamplesForAcceleration') -
      played;
    const line = ((LONGEST_PACKET_MS + 100) / 1000) * world.sampleRate;
    clock.within(
      'receive account',
      'frames emitted and concealed and not yet played',
      waits,
      -line,
      line * (this.#resets + 1),
    );
    clock.within(
      'receive account',
      'packets received',
      this.#count('packetsReceived'),
      0,
      this.#inserted,
    );
    clock.within(
      'receive account',
      'packets discarded',
      this.#count('packetsDiscarded'),
      0,
      this.#count('packetsReceived'),
    );
    clock.equal(
      'receive account',
      'packets that could not be decoded',
      values[REPORT.decodeErrors]!,
      0,
    );
    this.#checkLosses(this.#count('packetsLost'));
    const skipped = this.#count('skippedSamples');
    const heardMs = clock.now + (this.quantum * 1000) / world.listenerRate;
    this.#recovery.report({
      heardMs,
      bufferedMs: buffered,
      targetMs: values[REPORT.targetMs]!,
      concealed,
      skipped,
    });
  }
}
