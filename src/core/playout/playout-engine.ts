import type {
  MessagePortLike,
  PlayoutCommand,
  PlayoutEvent,
  PlayoutFigures,
  PlayoutProcessorOptions,
  PlayoutWrite,
  PostingPort,
} from '../messages.ts';
import type { StreamResampler } from '../resampler/resampler-stream.ts';
import { Player } from './player.ts';
import { bytesPerSample } from '../format/formats.ts';
import { warmUpBytes } from '../dsp/planar.ts';
import { isFirstWarmUp } from '../warm-up.ts';

/** Maximum number of reports per second about continuously changing values. */
const POSTS_PER_SECOND = 50;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type EventOf<Type> = Mutable<Extract<PlayoutEvent, { readonly type: Type }>>;

/** Senders of marks. */
const PAGE = 0;
const WORKER = 1;

/** A substitute for the port. */
const NO_PORT = { postMessage: (): void => {} };
const WARM_UP_QUANTUM = 128;
/** Sample rate of the wire in Hz. */
const WARM_UP_RATE = 8000;
/** Seconds of audio to write, and then the maximum number of seconds to render. */
type WarmUpStep = readonly [write: number, render: number];
/** Live audio; an underrun; faster than real time, until some is left out gradually, then at once. */
const WARM_UP_STEPS: readonly WarmUpStep[] = [
  ...Array<WarmUpStep>(3).fill([0.02, 0.02]),
  [0, 0.06],
  ...Array<WarmUpStep>(9).fill([0.06, 0.04]),
  [1.2, 0.02],
  ...Array<WarmUpStep>(4).fill([0.04, 0.04]),
];
/** This many steps suffice if the code is compiled already, for the sake of the resampler, which each processor has to itself. */
const FEW_STEPS = 4;
const WARM_UP_SECONDS = 1.6;

/** The playout processor without its scope: takes commands, renders quanta, posts events. */
export class PlayoutEngine {
  readonly #port: PostingPort;
  /** The port of the Worker that writes, if there is one. */
  #piped: MessagePortLike | null = null;
  /** Number of interrupts reported to the Worker. */
  #interrupts = 0;
  /** The last item that an interrupt removed or may remove: later audio of it and of earlier items is late. */
  #lateUpTo = -1;
  /** The item that was open then: its marks are late as well. */
  #lateOpen = -1;
  /** Total frames that the Worker did not send. */
  #unsentFrames = 0;
  #lostFrames = 0;
  /** Number of settled marks reported to the Worker. */
  #toldMarks = 0;
  readonly #postFrames: number;
  #player: Player | null;
  #postAt = 0;
  /** The context's frame after the rendered audio, including the current quantum. */
  #frame = 0;
  /** The context's frame at which an unanswered interrupt was completed; −1 without one. */
  #silencedAt = -1;
  /** Whether a pause must be answered. */
  #isPausing = false;
  /** The message posted while rendering is created once; the engine clones it for the other thread. */
  readonly #report: EventOf<'report'> = { type: 'report', ...createFigures() };
  readonly #interrupted: EventOf<'interrupted'> = {
    type: 'interrupted',
    taken: 0,
    last: -1,
    ...createFigures(),
  };
  readonly #paused: EventOf<'paused'> = { type: 'paused', frame: 0, pauses: 0 };
  readonly #ended: EventOf<'ended'> = { type: 'ended', frame: 0, item: 0, frames: 0, missed: 0 };
  readonly #mark: EventOf<'mark'> = { type: 'mark', frame: 0, item: 0, frames: 0, name: '' };
  /** Skipped frames of one item that were not reported yet. */
  readonly #skipped: EventOf<'skipped'> = { type: 'skipped', frame: 0, item: 0, frames: 0 };
  readonly #underrun: EventOf<'underrun'> = { type: 'underrun', frame: 0 };
  readonly #buffer: EventOf<'buffer'> = {
    type: 'buffer',
    frame: 0,
    buffer: new ArrayBuffer(0),
    received: 0,
  };
  readonly #none: ArrayBuffer[] = [];
  readonly #transfer: ArrayBuffer[] = [this.#buffer.buffer];

  /**
   * @param contextRate the context's sample rate in Hz
   * @param resampler resampler for the options' plan
   */
  constructor(
    options: PlayoutProcessorOptions,
    contextRate: number,
    port: PostingPort,
    resampler?: StreamResampler | null,
  ) {
    this.#port = port;
    this.#postFrames = Math.ceil(contextRate / POSTS_PER_SECOND);
    this.#player = new Player(
      { ...options, contextRate },
      {
        ended: (item, frames, missed, contextFrame) => {
          this.#tellSkipped();
          this.#ended.item = item;
          this.#ended.frames = frames;
          this.#ended.missed = missed;
          this.#postToAll(this.#ended, contextFrame);
        },
        marked: (item, frames, name, contextFrame) => {
          this.#mark.item = item;
          this.#mark.frames = frames;
          this.#mark.name = name;
          this.#postToAll(this.#mark, contextFrame);
        },
        skipped: (item, frames) => {
          if (this.#skipped.item !== item) this.#tellSkipped();
          this.#skipped.item = item;
          this.#skipped.frames += frames;
        },
        underrun: () => this.#post(this.#underrun),
        interrupted: (taken, contextFrame) => {
          this.#measure(this.#interrupted);
          this.#interrupted.taken = taken;
          this.#silencedAt = contextFrame < 0 ? this.#frame : contextFrame;
        },
      },
      resampler,
    );
  }

  /** Carries out a command of the page between two quanta. */
  obey(command: PlayoutCommand, frame: number): void {
    const player = this.#player;
    if (player === null) return;
    this.#frame = Math.max(this.#frame, frame);
    switch (command.type) {
      case 'write':
      case 'end':
      case 'mark':
        this.#take(player, command, PAGE, this.#port);
        break;
      case 'grow':
        this.#giveBack(player.adopt(command.storage), this.#port);
        break;
      case 'pipe':
        this.#pipe(command.port);
        break;
      case 'target':
        player.targetFrames = command.frames;
        break;
      case 'interrupt':
        this.#interrupt(player, command.fadeFrames);
        break;
      case 'cut':
        player.cutNow();
        this.#answerInterrupt();
        break;
      case 'undo': {
        const done = player.undo();
        this.#postReport();
        this.#postToAll({ type: 'undone', frame: 0, done });
        break;
      }
      case 'pause':
        this.#paused.pauses++;
        player.pause(command.fadeFrames);
        this.#isPausing = true;
        this.#answerPause();
        break;
      case 'resume':
        this.#isPausing = false;
        player.resume();
        break;
      case 'close':
        player.close();
        this.#player = null;
        this.#post({ type: 'closed', frame: 0 });
    }
  }

  /** Renders one quantum. @returns false once closed: the processor can be released */
  render(output: readonly Float32Array[], frame: number): boolean {
    const player = this.#player;
    if (player === null) return false;
    this.#frame = frame + output[0]!.length;
    player.render(output, frame);
    this.#answerInterrupt();
    this.#answerPause();
    if (this.#frame >= this.#postAt && this.#hasNews()) {
      this.#postReport();
    }
    return true;
  }

  #pipe(port: MessagePortLike): void {
    this.#piped = port;
    port.addEventListener('message', ({ data }) => {
      if (this.#player !== null) this.#obeyWorker(this.#player, data as PlayoutCommand, port);
    });
    port.start();
  }

  /** Carries out a command of the Worker. The scope has no clock here: the time of the last quantum counts. */
  #obeyWorker(player: Player, command: PlayoutCommand, port: MessagePortLike): void {
    switch (command.type) {
      case 'write':
      case 'end':
      case 'mark':
        if (this.#isLate(command)) this.#sendBack(command, port);
        else this.#take(player, command, WORKER, port);
        break;
      case 'grow':
        this.#giveBack(player.adopt(command.storage), port);
        break;
      case 'begin':
        this.#post({ type: 'begun', frame: 0, item: command.item, name: command.name });
        break;
      case 'account':
        this.#unsentFrames = command.droppedFrames;
        this.#lostFrames = command.lostFrames;
        if (command.noRoomFrames === 0) break;
        this.#post({
          type: 'no-room',
          frame: 0,
          name: command.name,
          frames: command.noRoomFrames,
        });
        break;
      case 'interrupt':
        this.#interrupt(player, command.fadeFrames);
        break;
      case 'cut':
        player.cutNow();
        this.#answerInterrupt();
        break;
      case 'noted':
        port.postMessage({ type: 'noted', frame: this.#frame } satisfies PlayoutEvent, this.#none);
        break;
      case 'rejoin':
        if (command.interrupts !== this.#interrupts) break;
        this.#lateUpTo = player.timeline.lastItem - 1;
        this.#lateOpen = -1;
    }
  }

  #take(player: Player, command: PlayoutWrite, sender: number, port: PostingPort): void {
    switch (command.type) {
      case 'write':
        player.write(command.item, command.bytes, command.afterGap);
        this.#giveBack(command.bytes.buffer, port);
        break;
      case 'end':
        player.end(command.item);
        break;
      case 'mark':
        player.mark(command.item, command.frames, command.name, sender);
    }
  }

  #isLate(command: PlayoutWrite): boolean {
    return command.type === 'mark'
      ? command.item === this.#lateOpen
      : command.item <= this.#lateUpTo;
  }

  #sendBack(command: PlayoutWrite, port: MessagePortLike): void {
    const transfer = command.type === 'write' ? [command.bytes.buffer] : this.#none;
    port.postMessage(
      { type: 'late', frame: this.#frame, command } satisfies PlayoutEvent,
      transfer,
    );
  }

  #interrupt(player: Player, fadeFrames: number): void {
    if (!player.interrupting) {
      const { lastItem, openItem } = player.timeline;
      this.#interrupted.last = lastItem;
      if (this.#piped !== null) {
        this.#interrupts++;
        this.#lateUpTo = lastItem;
        if (openItem >= 0) this.#lateOpen = openItem;
        this.#piped.postMessage(
          {
            type: 'interrupting',
            frame: this.#frame,
            last: lastItem,
            open: openItem,
          } satisfies PlayoutEvent,
          this.#none,
        );
      }
    }
    player.interrupt(fadeFrames);
    this.#answerInterrupt();
  }

  /** Answers after a report, so that the page finds current totals. */
  #answerInterrupt(): void {
    const at = this.#silencedAt;
    if (at < 0) return;
    this.#silencedAt = -1;
    this.#postReport();
    this.#postToAll(this.#interrupted, at);
  }

  /** Answers after a report, for the same reason. */
  #answerPause(): void {
    if (!this.#isPausing || !this.#player!.paused) return;
    this.#isPausing = false;
    this.#postReport();
    this.#post(this.#paused);
  }

  #postReport(): void {
    this.#postAt = this.#frame + this.#postFrames;
    this.#tellSkipped();
    this.#measure(this.#report);
    this.#post(this.#report);
    if (this.#piped === null) return;
    const { settledMarks } = this.#report;
    this.#toldMarks = this.#player!.timeline.settledMarks[WORKER]!;
    this.#report.settledMarks = this.#toldMarks;
    this.#piped.postMessage(this.#report, this.#none);
    this.#report.settledMarks = settledMarks;
  }

  /** Cuts occur many times per second: those of one item are reported together, before its end and with each report. */
  #tellSkipped(): void {
    if (this.#skipped.frames === 0) return;
    this.#post(this.#skipped);
    this.#skipped.frames = 0;
  }

  #hasNews(): boolean {
    const report = this.#report;
    const player = this.#player!;
    const { timeline } = player;
    return (
      report.state !== player.state ||
      report.received !== timeline.received ||
      report.heard !== timeline.heard ||
      report.interrupted !== timeline.interrupted ||
      report.floor !== timeline.floor ||
      report.dropped !== player.dropped ||
      report.underrunFrames !== player.underrunFrames ||
      report.settledMarks !== timeline.settledMarks[PAGE] ||
      (this.#piped !== null && this.#hasWorkerNews())
    );
  }

  #hasWorkerNews(): boolean {
    const report = this.#report;
    return (
      this.#toldMarks !== this.#player!.timeline.settledMarks[WORKER] ||
      report.unsentFrames !== this.#unsentFrames ||
      report.lostFrames !== this.#lostFrames
    );
  }

  #measure(figures: Mutable<PlayoutFigures>): void {
    const player = this.#player!;
    const { timeline } = player;
    figures.state = player.state;
    figures.item = timeline.item;
    figures.itemFrames = timeline.itemFrames;
    figures.itemMissed = timeline.itemMissed;
    figures.received = timeline.received;
    figures.heard = timeline.heard;
    figures.skipped = timeline.skipped;
    figures.interrupted = timeline.interrupted;
    figures.floor = timeline.floor;
    figures.dropped = player.dropped;
    figures.underruns = player.underruns;
    figures.underrunFrames = player.underrunFrames;
    figures.settledMarks = timeline.settledMarks[PAGE]!;
    figures.unsentFrames = this.#unsentFrames;
    figures.lostFrames = this.#lostFrames;
  }

  /** @param frame the context's frame of the event; −1 for the current one */
  #post(event: Mutable<PlayoutEvent>, frame = -1): void {
    event.frame = frame < 0 ? this.#frame : frame;
    this.#port.postMessage(event, this.#none);
  }

  /** Posts to the page, and to the Worker that writes. */
  #postToAll(event: Mutable<PlayoutEvent>, frame = -1): void {
    this.#post(event, frame);
    if (this.#piped !== null) this.#piped.postMessage(event, this.#none);
  }

  /** Returns memory to its sender, so that this thread leaves no garbage to collect. */
  #giveBack(buffer: ArrayBuffer, port: PostingPort): void {
    const event = this.#buffer;
    event.frame = this.#frame;
    event.buffer = buffer;
    event.received = this.#player!.timeline.received;
    this.#transfer[0] = buffer;
    port.postMessage(event, this.#transfer);
  }

  /**
   * Plays a synthetic stream on an engine of its own, so that the first quantum of another engine finds compiled code. For
   * constructors. Allocates.
   * @param resampler the other engine's resampler, which is reset when playback starts
   */
  static warmUp(
    options: PlayoutProcessorOptions,
    contextRate: number,
    resampler: StreamResampler | null,
  ): void {
    const { format, channels } = options;
    const kind = [format, channels, options.outputChannels, resampler !== null];
    const isFirst = isFirstWarmUp('playout', ...kind);
    // Phases that last seconds take fewer frames at a low rate; only the ratio matters to the resampler.
    const sampleRate = Math.min(WARM_UP_RATE, options.sampleRate);
    const scratchContextRate = (contextRate * sampleRate) / options.sampleRate;
    const frameBytes = channels * bytesPerSample(format);
    const scratch: PlayoutProcessorOptions = {
      ...options,
      sampleRate,
      backlog: 'catch-up',
      targetFrames: Math.round(0.02 * sampleRate),
      capacityFrames: Math.round(WARM_UP_SECONDS * sampleRate),
    };
    const engine = new PlayoutEngine(scratch, scratchContextRate, NO_PORT, resampler);
    const output = Array.from(
      { length: options.outputChannels },
      () => new Float32Array(WARM_UP_QUANTUM),
    );
    let frame = 0;
    const render = (seconds: number): void => {
      for (
        const end = frame + seconds * scratchContextRate;
        frame < end;
        frame += WARM_UP_QUANTUM
      ) {
        engine.render(output, frame);
      }
    };
    let item = 0;
    const write = (seconds: number): void => {
      const bytes = warmUpBytes(format, Math.round(seconds * sampleRate) * frameBytes);
      engine.obey({ type: 'write', item, bytes, afterGap: item % 2 === 1 }, frame);
      engine.obey({ type: 'mark', item, frames: -1, name: 'warm-up' }, frame);
    };
    const { length } = WARM_UP_STEPS;
    const steps = WARM_UP_STEPS.slice(0, isFirst ? length : FEW_STEPS);
    for (const [written, rendered] of steps) {
      if (written > 0) write(written);
      render(rendered);
    }
    if (!isFirst) return;
    engine.obey({ type: 'end', item }, frame);
    item++;
    write(0.05);
    render(0.1);
    const storage = new ArrayBuffer(scratch.capacityFrames * frameBytes);
    engine.obey({ type: 'grow', storage }, frame);
    engine.obey({ type: 'target', frames: scratch.targetFrames }, frame);
    engine.obey({ type: 'interrupt', fadeFrames: 2 * WARM_UP_QUANTUM }, frame);
    render(0.05);
    engine.obey({ type: 'undo' }, frame);
    render(0.05);
    engine.obey({ type: 'pause', fadeFrames: 2 * WARM_UP_QUANTUM }, frame);
    render(0.02);
    engine.obey({ type: 'resume' }, frame);
    engine.obey({ type: 'interrupt', fadeFrames: 0 }, frame);
    render(0.02);
  }
}

function createFigures(): PlayoutFigures {
  return {
    frame: 0,
    state: 'idle',
    item: -1,
    itemFrames: 0,
    itemMissed: 0,
    received: 0,
    heard: 0,
    skipped: 0,
    interrupted: 0,
    floor: 0,
    dropped: 0,
    underruns: 0,
    underrunFrames: 0,
    settledMarks: 0,
    unsentFrames: 0,
    lostFrames: 0,
  };
}
