import type { Clock } from './clock.ts';
import type { CongestionControlName } from './congestion-control.ts';
import { CongestionWindow } from './congestion-window.ts';
import { RetransmissionTimer } from './retransmission-timer.ts';
import type { TcpAck, TcpSegment } from './tcp-receiver.ts';
import { Scoreboard } from './tcp-scoreboard.ts';
import type { FoundLost, SentSegment } from './tcp-scoreboard.ts';

/** What a sender has done so far. */
export interface TcpSenderCounts {
  /** Segments sent, including retransmissions. */
  readonly segments: number;
  /** Of those, sent again. */
  readonly retransmissions: number;
  /** Their bytes, without headers. */
  readonly repeatedBytes: number;
  /** Number of time-outs, after which everything was considered lost. */
  readonly timeouts: number;
  /** Probes sent because the last segments were not acknowledged in time (RFC 8985 §7). */
  readonly probes: number;
}

const NOTHING_FOUND: FoundLost = { lost: 0, resent: false, nextMs: Infinity };

/** What a sender is doing about losses, by Linux's names. */
type State = 'open' | 'recovery' | 'loss';

/**
 * The sending end of a TCP connection, after Linux: SACK (RFC 2018), RACK-TLP (RFC 8985), proportional rate reduction
 * (RFC 6937), time-out (RFC 6298) with F-RTO (RFC 5682), undo of spurious reductions (RFC 3522, RFC 3708), no Nagle. It knows how many
 * bytes there are, not which.
 */
export class TcpSender {
  readonly #clock: Clock;
  readonly #segmentBytes: number;
  readonly #transmit: (segment: TcpSegment) => void;
  readonly #board: Scoreboard;
  readonly #window: CongestionWindow;
  readonly #timer: RetransmissionTimer;
  #state: State = 'open';
  /** The end of what was sent when the state was entered: the state ends when it is acknowledged. */
  #highByte = 0;
  /** The end of what was written. */
  #written = 0;
  /** The end of what was sent. */
  #next = 0;
  /** The ends of the writes that are not completely sent. */
  readonly #writeEnds: number[] = [];
  /** When the first retransmission of this recovery went out; -1 when none has. */
  #firstRetransmissionMs = -1;
  /** Retransmissions that are not proven needless; -1 without any, or when it is too late to undo. */
  #doubtful = -1;
  /** What was acknowledged when the state was entered: only retransmissions of later bytes can be undone. */
  #undoByte = 0;
  /** The end of what was sent when the probe went out; -1 when none is out. And whether it carried old bytes. */
  #probedUpTo = -1;
  #probeResent = false;
  /** Whether new segments are sent after a time-out to learn whether it was spurious (F-RTO). */
  #testingTimeout = false;
  #segments = 0;
  #retransmissions = 0;
  #repeatedBytes = 0;
  #timeouts = 0;
  #probes = 0;

  /**
   * @param segmentBytes what a full segment carries
   * @param transmit puts a segment on the link
   */
  constructor(
    clock: Clock,
    segmentBytes: number,
    congestion: CongestionControlName,
    transmit: (segment: TcpSegment) => void,
  ) {
    this.#clock = clock;
    this.#segmentBytes = segmentBytes;
    this.#board = new Scoreboard(segmentBytes);
    this.#transmit = transmit;
    this.#window = new CongestionWindow(congestion);
    this.#timer = new RetransmissionTimer(clock, {
      onprobe: () => this.#probe(),
      ontimeout: () => this.#timeOut(),
      onreorder: () => this.#detectLate(),
    });
  }

  /** Bytes written that are not acknowledged. */
  get bufferedBytes(): number {
    return this.#written - this.#board.acknowledged;
  }

  get counts(): TcpSenderCounts {
    const segments = this.#segments;
    const retransmissions = this.#retransmissions;
    const repeatedBytes = this.#repeatedBytes;
    const timeouts = this.#timeouts;
    const probes = this.#probes;
    return { segments, retransmissions, repeatedBytes, timeouts, probes };
  }

  /** Writes bytes to the stream, and sends what may go. */
  write(bytes: number): void {
    this.#written += bytes;
    this.#writeEnds.push(this.#written);
    this.#sendNew();
  }

  close(): void {
    this.#timer.close();
  }

  /** An acknowledgement has arrived. */
  receive(ack: TcpAck): void {
    if (ack.upTo < this.#board.acknowledged) return;
    const board = this.#board;
    const clock = this.#clock;
    const timer = this.#timer;
    const window = this.#window;
    const now = clock.nowMs;
    const news = board.acknowledge(ack, now);
    // RFC 7323 §4.1 where segments were sent again, and none tells its round trip.
    const roundTripMs =
      news.roundTripMs >= 0 || !news.advanced ? news.roundTripMs : now - ack.echoMs;
    if (roundTripMs >= 0) timer.measure(roundTripMs);
    if (ack.duplicate !== null) {
      board.widenReorderWindow();
      if (this.#doubtful > 0 && ack.duplicate.end > this.#undoByte) this.#doubtful--;
    }
    if (this.#probedUpTo >= 0) this.#judgeProbe(ack, news.advanced);
    if (news.advanced || news.newerThanHead) this.#armTimer();
    const late = news.advanced && this.#cameLate(ack);
    const waiting = this.#judgeRecovery(news.advanced, late);
    const sendNewOnly = this.#state === 'loss' && this.#judgeTimeout(ack.upTo, late, news);
    if (this.#state !== 'open' && ack.upTo >= this.#highByte) this.#leave(late);
    const found = waiting ? NOTHING_FOUND : this.#detect();
    const lost = found.lost > 0;
    if (lost && (this.#state === 'open' || (this.#state === 'loss' && found.resent)))
      this.#recover();
    if (this.#state === 'recovery') {
      window.reduce(board.inFlight, news.delivered, news.advanced && !lost);
    } else if (news.advanced) {
      window.grow(news.delivered, now, board.leastRoundTripMs);
    }
    if (sendNewOnly) {
      this.#sendNew();
      if (this.#next > this.#highByte) return;
      this.#testingTimeout = false;
    }
    if (!waiting) this.#sendLost();
    this.#sendNew();
  }

  /** Marks what RACK considers lost. */
  #detect(): FoundLost {
    const board = this.#board;
    const clock = this.#clock;
    const timer = this.#timer;
    const found = board.detectLost(clock.nowMs, timer.smoothedMs, this.#state !== 'open');
    timer.reorderIn(found.nextMs);
    return found;
  }

  /** The time in which a late segment could have been overtaken is over. */
  #detectLate(): void {
    if (this.#detect().lost === 0) return;
    if (this.#state !== 'recovery') this.#recover();
    this.#window.reduce(this.#board.inFlight, 1, false);
    this.#sendLost();
    this.#sendNew();
  }

  #recover(): void {
    this.#state = 'recovery';
    this.#enter();
    this.#window.startReduction();
  }

  #enter(): void {
    this.#highByte = this.#next;
    this.#undoByte = this.#board.acknowledged;
    this.#firstRetransmissionMs = -1;
    this.#doubtful = this.#board.resentCount || -1;
  }

  /** @param late whether what ended it had been sent before it began */
  #leave(late: boolean): void {
    if (this.#doubtful === 0 || late) this.#undo();
    else {
      this.#board.endRecovery();
      if (this.#state === 'recovery') this.#window.endReduction();
    }
    this.#state = 'open';
    this.#testingTimeout = false;
  }

  /** RFC 3522: what is acknowledged was sent before the first retransmission: that was needless, or at least early. */
  #cameLate(ack: TcpAck): boolean {
    return this.#firstRetransmissionMs >= 0 && ack.echoMs < this.#firstRetransmissionMs;
  }

  /**
   * Undoes a reduction if there was no loss.
   * @returns whether a possibly needless retransmission is still under way: until it is answered nothing else counts as lost
   */
  #judgeRecovery(advanced: boolean, late: boolean): boolean {
    if (this.#state === 'recovery' && advanced && late) {
      if (this.#board.resentCount > 0) return true;
      this.#board.clearLost();
      this.#undo();
    }
    // RFC 3708: the receiver had all that was sent again. That may come to light after the recovery.
    if (this.#state !== 'loss' && this.#doubtful === 0) this.#undo();
    return false;
  }

  #undo(): void {
    this.#window.undo();
    this.#state = 'open';
    this.#doubtful = -1;
    this.#testingTimeout = false;
  }

  /** F-RTO (RFC 5682 §3.1, with SACK). Returns whether new data is to go before old. */
  #judgeTimeout(
    upTo: number,
    late: boolean,
    news: { readonly advanced: boolean; readonly sacked: boolean; readonly original: boolean },
  ): boolean {
    const needless = news.advanced && (late || this.#doubtful === 0);
    if (needless || (this.#testingTimeout && news.original)) {
      this.#board.clearLost();
      this.#undo();
    }
    if (!this.#testingTimeout) return false;
    if (this.#next > this.#highByte) {
      if (news.sacked) this.#testingTimeout = false;
      return false;
    }
    if (!news.advanced || upTo >= this.#highByte) return false;
    this.#highByte = this.#next;
    if (this.#next < this.#written) return true;
    this.#testingTimeout = false;
    return false;
  }

  /** RFC 8985 §7.4: a probe that repaired a loss means a loss for the window. */
  #judgeProbe(ack: TcpAck, advanced: boolean): void {
    if (!this.#probeResent || ack.duplicate !== null) {
      if (ack.upTo >= this.#probedUpTo || ack.duplicate !== null) this.#probedUpTo = -1;
      return;
    }
    if (ack.upTo > this.#probedUpTo) {
      this.#probedUpTo = -1;
      if (this.#state !== 'open') return;
      this.#window.startReduction();
      this.#window.endReduction();
    } else if (!advanced && ack.beyond.length === 0) {
      this.#probedUpTo = -1;
    }
  }

  #probe(): void {
    if (this.#board.empty) return;
    if (this.#probedUpTo < 0) {
      this.#probes++;
      this.#probeResent = this.#next >= this.#written;
      if (this.#probeResent) this.#resend(this.#board.last!);
      else this.#sendNext();
      this.#probedUpTo = this.#next;
    }
    this.#timer.timeOutIn(this.#board.headSentMs, false);
  }

  #timeOut(): void {
    const board = this.#board;
    const window = this.#window;
    const timer = this.#timer;
    const clock = this.#clock;
    if (board.empty) return;
    this.#timeouts++;
    const fresh = this.#state === 'open';
    board.markAllLost(clock.nowMs);
    window.timeOut(board.inFlight, fresh || this.#highByte <= board.acknowledged);
    const again = this.#state === 'loss';
    this.#state = 'loss';
    this.#enter();
    this.#testingTimeout = fresh || again;
    this.#resend(board.head!);
    timer.backOff();
  }

  /** Retransmits what is considered lost, as far as the window allows. */
  #sendLost(): void {
    const board = this.#board;
    const window = this.#window;
    if (this.#state === 'open') return;
    let inFlight = board.inFlight;
    for (const segment of board.lostToSend()) {
      if (inFlight >= window.segments) return;
      const head = segment === board.head;
      this.#resend(segment);
      inFlight++;
      if (this.#state === 'recovery') window.sent(1);
      if (head) this.#timer.timeOutIn(board.headSentMs, false);
    }
  }

  /** Sends new data, as far as the window allows. */
  #sendNew(): void {
    const board = this.#board;
    const window = this.#window;
    let sent = 0;
    let inFlight = board.inFlight;
    while (this.#next < this.#written && inFlight < window.segments) {
      this.#sendNext();
      inFlight++;
      sent++;
    }
    if (sent > 0 && this.#state === 'recovery') window.sent(sent);
    const limited = inFlight >= window.segments;
    if (sent > 0 || limited) {
      window.noteUse(limited, board.count, board.acknowledged, this.#next);
    }
  }

  #sendNext(): void {
    const start = this.#next;
    const end = Math.min(this.#written, start + this.#segmentBytes);
    while (this.#writeEnds.length > 0 && this.#writeEnds[0]! < end) this.#writeEnds.shift();
    const first = this.#board.empty;
    const segment = this.#board.add(start, end, this.#writeEnds[0] === end, this.#clock.nowMs);
    this.#next = end;
    this.#put(segment);
    if (first || this.#timer.probing) this.#timer.timeOutIn(this.#board.headSentMs, !first);
    this.#armProbe();
  }

  #resend(segment: SentSegment): void {
    this.#board.resend(segment, this.#clock.nowMs);
    this.#retransmissions++;
    this.#repeatedBytes += segment.end - segment.start;
    if (this.#firstRetransmissionMs < 0) this.#firstRetransmissionMs = this.#clock.nowMs;
    this.#doubtful = Math.max(0, this.#doubtful) + 1;
    this.#put(segment);
  }

  #put({ start, end, push, sentMs }: SentSegment): void {
    this.#segments++;
    this.#transmit({ start, end, push, sentMs });
  }

  #armTimer(): void {
    if (this.#board.empty) this.#timer.stop();
    else if (!this.#armProbe()) this.#timer.timeOutIn(this.#board.headSentMs, true);
  }

  /** Arms the probe where one may be sent. */
  #armProbe(): boolean {
    const board = this.#board;
    if (this.#state !== 'open' || board.empty || board.hasSacked || this.#probedUpTo >= 0)
      return false;
    this.#timer.probeIn(board.count, board.headSentMs);
    return true;
  }
}
