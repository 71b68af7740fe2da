import { MAX_MISORDER } from '../../src/core/rtp/stream-continuity.ts';
import { PacketError } from '../../src/core/errors.ts';
import { base64JsonFraming } from '../../src/core/framing/base64-json.ts';
import { binaryFraming } from '../../src/core/framing/binary.ts';
import type { MessageDecoder } from '../../src/core/framing/framing.ts';
import type { Packet } from '../../src/core/framing/packet.ts';
import { RtpMessageDecoder } from '../../src/core/framing/rtp-message-decoder.ts';
import type { Clock } from './invariants.ts';
import type { Action, World } from './schedule.ts';
import type { Sent } from './sender.ts';

/**
 * So many packets of a new run of numbers may be refused. RFC 3550 A.1 believes the second in a row; where the new numbers lie
 * among the old ones, it takes more of them to tell, and leftovers of the run before come on top.
 */
export const PROBATION = 12;
/** So many packets of a run may come behind one that was sent after them, and the run still begins where that one says. */
const MOST_BEFORE_FIRST = 32;

/**
 * The listening end: a page that decodes messages, and an audio thread that plays. This is what a receiver and a playout
 * have in common: the clock of the context, messages between the threads, and a page that may be blocked.
 */
export abstract class Listener<Command, Event> {
  protected readonly world: World;
  protected readonly clock: Clock;
  /** The context's frame. */
  protected frame = 0;
  protected quantum: number;
  /** The sender whose packets come. */
  protected epoch = 0;
  /** The last sample of the output. */
  #lastSample = 0;
  /** Numbered packets of the present sender that came, and the span of their numbers. */
  #came = 0;
  #lowest = Infinity;
  #highest = -Infinity;
  /** Numbered packets of earlier senders that did not come. */
  #missedBefore = 0;
  readonly #toProcessor: Command[] = [];
  readonly #toPage: Event[] = [];
  readonly #messages: Sent[] = [];
  /** When frame 0 would have been rendered, ms: suspensions shift it. */
  #origin = 0;
  #suspendedAt = -1;
  #suspensions = 0;
  #delivers = true;
  #blocks = 0;
  #output: Float32Array[];
  #decoder: MessageDecoder;
  /** Of the present sender: packets refused; and who it is, for RTP. */
  #refused = 0;
  #segment = 0;
  /** The first packet of the segment that was given; −1 before it. */
  #firstGiven = -1;
  #ssrc = -1;
  /** Packets of audio that came and were not given yet. */
  readonly #held: Sent[] = [];
  /** Those of the run of numbers before. */
  #heldBefore: Sent[] = [];
  /** The packet that was decoded last of those that came in order. */
  #last: Sent | undefined;

  constructor(world: World, clock: Clock) {
    this.world = world;
    this.clock = clock;
    this.quantum = world.listenerQuantum;
    this.#output = this.#makeOutput();
    this.#decoder = this.#createDecoder(undefined);
  }

  /** When the next quantum is due, ms: it is rendered before its first frame is heard. */
  get nextAt(): number {
    if (this.#suspendedAt >= 0) return Infinity;
    return this.#origin + (this.frame * 1000) / this.world.listenerRate;
  }

  /** Packets that took a number and did not come, less those that came twice. */
  protected get missing(): number {
    return (
      this.#missedBefore + (this.#came === 0 ? 0 : this.#highest - this.#lowest + 1 - this.#came)
    );
  }

  begin(action: Action): void {
    if (action.kind === 'block' && action.side === 'listener') this.#blocks++;
    else if (action.kind === 'suspend' && action.side === 'listener') {
      if (this.#suspensions++ === 0) this.#suspendedAt = this.clock.now;
      this.#delivers = action.delivers;
    } else if (action.kind === 'quantum' && action.side === 'listener') {
      this.#setQuantum(action.frames);
    } else this.act(action);
  }

  end(action: Action): void {
    if (action.kind === 'block' && action.side === 'listener') this.#blocks--;
    else if (action.kind === 'suspend' && action.side === 'listener') {
      if (--this.#suspensions > 0) return;
      this.#origin += this.clock.now - this.#suspendedAt;
      this.#suspendedAt = -1;
    } else if (action.kind === 'quantum' && action.side === 'listener') {
      this.#setQuantum(this.world.listenerQuantum);
    } else this.undo(action);
  }

  /** A message arrives. */
  arrive(sent: Sent): void {
    this.#messages.push(sent);
  }

  /** The page's turn. */
  turn(): void {
    if (this.#suspendedAt >= 0 && this.#delivers) this.#deliver();
    if (this.#blocks > 0) return;
    const events = this.#toPage;
    for (let i = 0; i < events.length; i++) this.hear(events[i]!);
    events.length = 0;
    const messages = this.#messages;
    for (let i = 0; i < messages.length; i++) this.#receive(messages[i]!);
    messages.length = 0;
    this.afterTurn();
  }

  /** Renders one quantum. */
  render(): void {
    this.#deliver();
    this.renderQuantum(this.#output);
    this.frame += this.quantum;
  }

  /** The page and the context run again, and what was posted is delivered. */
  protected settle(): void {
    this.#blocks = 0;
    this.#deliver();
    this.turn();
  }

  /** An action begins that only this kind of listener knows. */
  protected abstract act(action: Action): void;
  /** It ends. */
  protected abstract undo(action: Action): void;
  protected abstract obey(command: Command): void;
  protected abstract renderQuantum(output: readonly Float32Array[]): void;
  /** An event has reached the page. */
  protected abstract hear(event: Event): void;
  /** The packets of a message are there. */
  protected abstract insert(packets: readonly Packet[], sent: Sent): void;
  protected abstract afterTurn(): void;
  /** Another sender: the app knows. */
  protected abstract newStream(): void;

  /** The greatest step between neighbouring samples since the quantum before, all of which have to be numbers. */
  protected steepestStep(samples: Float32Array): number {
    let last = this.#lastSample;
    let steepest = 0;
    let sum = 0;
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i]!;
      const step = sample > last ? sample - last : last - sample;
      if (step > steepest) steepest = step;
      sum += sample;
      last = sample;
    }
    this.#lastSample = last;
    if (!Number.isFinite(sum)) this.clock.fail('finite', 'the output is not a number.');
    return steepest;
  }

  protected post(command: Command): void {
    this.#toProcessor.push(command);
  }

  /** @param event a copy: the processor uses its own again */
  protected tell(event: Event): void {
    this.#toPage.push(event);
  }

  #deliver(): void {
    const commands = this.#toProcessor;
    for (let i = 0; i < commands.length; i++) this.obey(commands[i]!);
    commands.length = 0;
  }

  #receive(sent: Sent): void {
    if (sent.kind === 'new-ssrc') {
      this.#decoder = this.#createDecoder(sent.ssrc);
      this.#ssrc = sent.ssrc;
      this.#last = undefined;
      this.#firstGiven = -1;
      this.newStream();
      return;
    }
    const last = this.#last;
    if (sent.sequence >= 0) this.#countNumber(sent);
    if (sent.kind === 'no-audio' && last !== undefined && sent.sequence === last.sequence + 1) {
      // It takes a number, and no frames.
      this.#last = { ...last, sequence: sent.sequence };
    }
    let packets: readonly Packet[];
    try {
      packets = this.#decoder.decode(sent.message);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#refuse(sent, error);
      return;
    }
    const audio = packets.filter(({ frames, redundant }) => frames > 0 && redundant !== true);
    if (sent.sequence >= 0) this.#enter(sent);
    if (sent.kind === 'audio') this.#check(audio, sent);
    else if (sent.kind === 'foreign' && audio.length > 0) {
      this.clock.fail('frame identity', 'a message that is not of the stream was taken for audio.');
    } else if (audio.length > 0) {
      this.clock.fail('frame identity', 'a packet without audio was taken for audio.');
    }
    this.insert(packets, sent);
  }

  #refuse(sent: Sent, error: PacketError): void {
    if (sent.kind !== 'audio') return;
    // A source that is not yet, or no longer, the agreed sender is refused by design.
    if (this.world.framing === 'rtp' && this.#ssrc >= 0 && sent.ssrc !== this.#ssrc) return;
    if (
      this.world.framing === 'rtp' &&
      this.#ssrc < 0 &&
      sent.epoch > 0 &&
      sent.ssrc !== this.#last?.ssrc
    )
      return;
    this.#enter(sent);
    if (this.#isLeftover(sent)) return;
    if (sent.segment > 1 && ++this.#refused <= PROBATION) return;
    this.clock.fail(
      'no audio refused',
      `packet ${sent.sequence} of sender ${sent.epoch} was refused: ${error.message}`,
    );
  }

  /**
   * Whether a packet is of a run of numbers before the present one, by which it was overtaken; or was overtaken by many when its
   * own run began, as where the path gets shorter then. Nobody can tell it from a stray, or from numbers that leap back.
   */
  #isLeftover({ segment, sequence }: Sent): boolean {
    if (segment < this.#segment) return true;
    // RFC 3550 A.1: so far behind the newest nobody knows whether it is a late one.
    if (sequence < this.#highest - MAX_MISORDER) return true;
    return this.#firstGiven >= 0 && segment > 1 && sequence < this.#firstGiven - MOST_BEFORE_FIRST;
  }

  #enter({ epoch, segment }: Sent): void {
    if (segment > this.#segment) {
      this.#firstGiven = -1;
      this.#refused = 0;
      // The first packet of this run may confirm the last of the one before.
      this.#heldBefore = this.#held.splice(0);
      this.#segment = segment;
    }
    if (epoch <= this.epoch) return;
    this.epoch = epoch;
    this.#last = undefined;
    this.#missedBefore = this.missing;
    this.#came = 0;
    this.#lowest = Infinity;
    this.#highest = -Infinity;
  }

  #countNumber(sent: Sent): void {
    if (this.#ssrc >= 0 && sent.ssrc !== this.#ssrc) return;
    this.#enter(sent);
    if (sent.epoch < this.epoch) return;
    this.#came++;
    this.#lowest = Math.min(this.#lowest, sent.sequence);
    this.#highest = Math.max(this.#highest, sent.sequence);
  }

  /** What came out is what went in. A packet that may be a stray is held until the next one confirms it. */
  #check(audio: readonly Packet[], sent: Sent): void {
    const { clock } = this;
    if (sent.epoch < this.epoch) return;
    this.#held.push(sent);
    if (audio.length > 0 && this.#firstGiven < 0) this.#firstGiven = sent.sequence;
    for (const packet of audio) {
      if (!takeOut(this.#held, packet) && !takeOut(this.#heldBefore, packet))
        clock.fail('frame identity', `packet ${packet.sequence} is not one that was sent.`);
    }
    if (this.#isLeftover(sent)) return;
    const most = sent.segment > 1 ? PROBATION : 0;
    if (
      this.#held.length > most &&
      this.#held.filter((held) => !this.#isLeftover(held)).length > most
    ) {
      clock.fail(
        'no audio refused',
        `packet ${sent.sequence} of sender ${sent.epoch} was passed over.`,
      );
    }
    const last = this.#last;
    const follows = last !== undefined && sent.sequence === last.sequence + 1;
    if (follows && audio.length === 1 && this.#held.length === 0 && sent.segment === last.segment) {
      // RTP does not tell frames that the sender lost from those that it did not send.
      const missing = (sent.wireFrame - (last.wireFrame + last.frames)) | 0;
      const told = this.world.framing === 'rtp' ? missing : sent.dropped;
      const { dropped } = audio[0]!;
      clock.equal(
        'drops told truly',
        `dropped before packet ${sent.sequence}`,
        dropped,
        Math.max(0, told),
      );
    }
    if (last === undefined || sent.sequence > last.sequence) this.#last = sent;
  }

  #createDecoder(ssrc: number | undefined): MessageDecoder {
    const { framing, format, sampleRate, channels } = this.world;
    const stream = { format, sampleRate, channels } as const;
    if (framing === 'rtp') return new RtpMessageDecoder({ ...stream, ssrc });
    return (framing === 'binary' ? binaryFraming : base64JsonFraming).createDecoder(stream);
  }

  #setQuantum(frames: number): void {
    this.quantum = frames;
    this.#output = this.#makeOutput();
  }

  #makeOutput(): Float32Array[] {
    return Array.from({ length: this.world.channels }, () => new Float32Array(this.quantum));
  }
}

/** Takes the packet that was sent as this one out of a list. @returns whether it was there */
function takeOut(held: Sent[], { frames, payload }: Packet): boolean {
  const at = held.findIndex(
    (sent) => frames === sent.frames && Buffer.compare(payload, sent.payload) === 0,
  );
  if (at >= 0) held.splice(at, 1);
  return at >= 0;
}
