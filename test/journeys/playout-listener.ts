import { bytesPerSample } from '../../src/core/format/formats.ts';
import type { Packet } from '../../src/core/framing/packet.ts';
import type { PlayoutCommand, PlayoutEvent, PlayoutFigures } from '../../src/core/messages.ts';
import { planResampler } from '../../src/core/resampler/resampler-planner.ts';
import { PlayoutFeed } from '../../src/core/playout/playout-feed.ts';
import type { Clock } from './invariants.ts';
import { Listener } from './listener.ts';
import type { PlayingProcessor, Processors } from './processors.ts';
import { calmStretches } from './recovery.ts';
import type { Action, Journey } from './schedule.ts';
import type { Sent } from './sender.ts';
import { RAMP_STEP } from './signal.ts';

const MAX_BUFFER_MS = 10_000;
/** A run of exact frames must be so long to count: a ramp's samples may be exact by chance. */
const SURE = 4;
/** Frames that the ramps of one break may take, seconds. */
const BREAK_SECONDS = 0.04;
/** A live stream's backlog is worked off by then, ms after a disturbance; and so much of it may be left. */
const CAUGHT_UP_MS = 8000;
const SLACK_MS = 60;
/** A cut is looked for once a quantum: where those are longer, ms, than any browser's, a backlog takes longer. */
const MOST_QUANTUM_MS = 50;
const JOIN = 2.5;
/** So long after two sounds met the step between them has been heard, seconds; reports lag. */
const MET_SECONDS = 0.1;

/** A `Playout` of a live stream: its page's part is `PlayoutFeed`, its processor one of {@link Processors}. */
export class PlayoutListener extends Listener<PlayoutCommand, PlayoutEvent> {
  readonly #engine: PlayingProcessor<PlayoutCommand>;
  readonly #feed: PlayoutFeed;
  readonly #journey: Journey;
  readonly #steepest: number;
  readonly #numbered: boolean;
  readonly #checksJoins: boolean;
  #figures: PlayoutFigures | undefined;
  #sentFrames = 0;
  #offered = 0;
  #item = 0;
  #answersDue = { interrupted: 0, undone: 0 };
  #buffersOut = 0;
  #closed = false;
  #ended = -1;
  #begun = 0;
  /** What was heard: the next frame, exact frames in a row, the highest frame, and all of them together. */
  #next = -1;
  #run = 0;
  #highest = -1;
  #exact = 0;
  #breaks = 0;
  /** An interrupt can bring frames back that were heard in part. */
  #undone = false;
  #leastWaiting = Infinity;
  #calm = 0;
  /** The sender's run, and the frame by which the step at the last beginning has been heard: the step is the sound's own. */
  #segment = 1;
  #metBefore = -Infinity;
  /** An interrupt without a fade ends the sound at any sample. */
  #cuts = false;

  constructor(journey: Journey, processors: Processors, clock: Clock, steepest: number) {
    super(journey.world, clock);
    const { format, sampleRate, channels, listenerRate, targetMs, signal, senderRate } =
      journey.world;
    this.#journey = journey;
    const equal = sampleRate === listenerRate && senderRate === sampleRate;
    this.#numbered = signal === 'ramp' && equal;
    this.#checksJoins = signal === 'voice' && equal;
    this.#steepest = JOIN * steepest;
    this.#feed = new PlayoutFeed({
      bytesPerFrame: channels * bytesPerSample(format),
      sampleRate,
      maxBufferMs: MAX_BUFFER_MS,
      send: (command) => {
        if (command.type === 'write' || command.type === 'grow') this.#buffersOut++;
        this.post(command);
      },
    });
    this.#engine = processors.playout(
      {
        format,
        channels,
        sampleRate,
        outputChannels: channels,
        resampler:
          sampleRate === listenerRate
            ? null
            : planResampler({ inputRate: sampleRate, outputRate: listenerRate, quality: 'voice' }),
        targetFrames: Math.round((targetMs / 1000) * sampleRate),
        backlog: 'catch-up',
        capacityFrames: this.#feed.capacityFrames,
      },
      listenerRate,
      (message) => this.#fromProcessor(message as PlayoutEvent),
    );
  }

  close(): void {
    this.settle();
    this.post({ type: 'close' });
    this.settle();
    const { clock } = this;
    if (!this.#closed) clock.fail('all settled', 'close was not answered.');
    clock.equal(
      'all settled',
      'interrupts that wait for their answer',
      this.#answersDue.interrupted,
      0,
    );
    clock.equal('all settled', 'undos that wait for their answer', this.#answersDue.undone, 0);
    clock.equal('bounded memory', 'buffers that did not come back', this.#buffersOut, 0);
    this.#checkHeard();
  }

  protected act(action: Action): void {
    if (action.kind === 'limits') this.post({ type: 'target', frames: this.#frames(action.min) });
    else if (action.kind === 'interrupt' && this.#answersDue.interrupted === 0) {
      this.#answersDue.interrupted++;
      this.#item++;
      this.#breaks++;
      this.post({
        type: 'interrupt',
        fadeFrames: Math.round((action.fade / 1000) * this.world.listenerRate),
      });
    }
  }

  protected undo(action: Action): void {
    if (action.kind === 'limits')
      this.post({ type: 'target', frames: this.#frames(this.world.targetMs) });
    else if (action.kind === 'interrupt' && action.undo) {
      this.#answersDue.undone++;
      this.#undone = true;
      this.post({ type: 'undo' });
    }
  }

  protected obey(command: PlayoutCommand): void {
    if (command.type === 'interrupt' && command.fadeFrames === 0) this.#cuts = true;
    this.#engine.obey(command, this.frame);
  }

  protected insert(packets: readonly Packet[], sent: Sent): void {
    // After an undo the rest of the item is played, and then one that begins in the midst of the sound.
    const isCutOff = this.#undone && this.#item !== this.#begun;
    if (sent.segment !== this.#segment || isCutOff) {
      this.#segment = sent.segment;
      this.#metBefore = this.#sentFrames + MET_SECONDS * this.world.sampleRate;
    }
    for (const packet of packets) {
      if (packet.dropped > 0) this.#breaks++;
      this.#feed.lose(packet.dropped);
      this.#offered += packet.frames;
      const taken = this.#feed.write(this.#item, packet.payload);
      this.#begun = this.#item;
      this.#sentFrames += taken;
      if (taken < packet.frames) this.#breaks++;
    }
    this.clock.equal(
      'playout account',
      'offered, less sent and dropped',
      this.#offered - this.#sentFrames - this.#feed.droppedFrames,
      0,
    );
  }

  protected newStream(): void {}
  protected afterTurn(): void {}

  protected renderQuantum(output: readonly Float32Array[]): void {
    if (!this.#engine.render(output, this.frame))
      this.clock.fail('no exception', 'the playout ended by itself.');
    const samples = output[0]!;
    if (this.#numbered) this.#identify(samples);
    const steepest = this.steepestStep(samples);
    const cuts = this.#cuts;
    this.#cuts = false;
    if (cuts || !this.#checksJoins || this.#playedFrames < this.#metBefore) return;
    this.clock.within('no click', 'step from sample to sample', steepest, 0, this.#steepest);
  }

  protected hear(event: PlayoutEvent): void {
    switch (event.type) {
      case 'report':
        this.#feed.report(event);
        break;
      case 'buffer':
        this.#buffersOut--;
        this.#feed.giveBack(event.buffer, event.received);
        break;
      case 'interrupted':
        this.#answersDue.interrupted--;
        break;
      case 'undone':
        this.#answersDue.undone--;
        break;
      case 'ended':
        this.clock.within(
          'playout account',
          'item that ended',
          event.item,
          this.#undone ? 0 : this.#ended + 1,
          this.#begun,
        );
        this.#ended = event.item;
        break;
      case 'closed':
        this.#closed = true;
    }
  }

  /** As the last report tells. */
  get #playedFrames(): number {
    const figures = this.#figures;
    return figures === undefined ? 0 : figures.heard + figures.skipped + figures.interrupted;
  }

  #frames(ms: number): number {
    return Math.round((ms / 1000) * this.world.sampleRate);
  }

  #fromProcessor(event: PlayoutEvent): void {
    if (event.type === 'report') this.#checkReport(event);
    if (event.type === 'underrun') this.#breaks++;
    this.tell({ ...event });
  }

  #checkReport(figures: PlayoutFigures): void {
    const { clock, world } = this;
    const { received, heard, skipped, interrupted, dropped } = figures;
    const waiting = received - heard - skipped - interrupted;
    const most = Math.ceil((MAX_BUFFER_MS / 1000) * world.sampleRate);
    clock.within('playout account', 'frames that wait', waiting, 0, most);
    clock.within(
      'playout account',
      'frames received or dropped',
      received + dropped,
      0,
      this.#sentFrames,
    );
    for (const value of [heard, skipped, interrupted, figures.underrunFrames]) {
      if (!(value >= 0 && Number.isFinite(value)))
        clock.fail('finite', `a figure of the report is ${value}.`);
    }
    const before = this.#figures;
    if (before !== undefined && skipped > before.skipped) this.#breaks++;
    this.#figures = { ...figures };
    this.#checkBacklog(waiting);
  }

  /** A live stream's backlog does not stay. */
  #checkBacklog(waiting: number): void {
    const { now } = this.clock;
    const calms = calmStretches(this.#journey);
    let calm = calms[this.#calm];
    while (calm !== undefined && now >= calm.to) {
      const { sampleRate, targetMs, network, listenerQuantum, listenerRate } = this.world;
      const isFast = (listenerQuantum * 1000) / listenerRate <= MOST_QUANTUM_MS;
      if (isFast && this.#leastWaiting < Infinity) {
        const most = ((targetMs + network.jitterMs + SLACK_MS) * sampleRate) / 1000;
        this.clock.within(
          'delay recovers',
          'least frames that waited',
          this.#leastWaiting,
          0,
          most,
        );
      }
      this.#leastWaiting = Infinity;
      calm = calms[++this.#calm];
    }
    if (calm !== undefined && now >= calm.from + CAUGHT_UP_MS) {
      this.#leastWaiting = Math.min(this.#leastWaiting, waiting);
    }
  }

  /** Each sample that is a frame as it was sent is the one behind the last. */
  #identify(samples: Float32Array): void {
    for (let i = 0; i < samples.length; i++) {
      const number = samples[i]! / RAMP_STEP - 1;
      if (number === this.#next && number >= 0) {
        this.#next++;
        if (++this.#run === SURE) this.#begin(number - SURE + 1);
        if (this.#run < SURE) continue;
        this.#exact += this.#run === SURE ? SURE : 1;
        this.#highest = Math.max(this.#highest, number);
        continue;
      }
      this.#run = 1;
      this.#next = number >= 0 && Number.isInteger(number) ? number + 1 : -1;
    }
  }

  #begin(first: number): void {
    if (first > this.#highest || this.#undone) return;
    this.clock.fail(
      'frame identity',
      `frame ${first} was heard again, or after frame ${this.#highest}.`,
    );
  }

  #checkHeard(): void {
    const figures = this.#figures;
    if (
      !this.#numbered ||
      figures === undefined ||
      this.#journey.actions.some(({ kind }) => MUTES.has(kind))
    )
      return;
    const { heard } = figures;
    const most = (this.#breaks + 2) * BREAK_SECONDS * this.world.sampleRate;
    this.clock.within(
      'frame identity',
      'frames heard that were not heard as they were sent',
      heard - this.#exact,
      this.#undone ? -Infinity : -most,
      most + this.#scaled,
    );
  }

  /** What cross-fades of time-scaling took, at most. */
  get #scaled(): number {
    return this.#figures!.skipped * 4;
  }
}

/** Actions that make the ramp silent. */
const MUTES: ReadonlySet<string> = new Set(['mute', 'vanish', 'channels']);
