/** What must hold, by name: a failure names one, and shrinking keeps to it. */
export type Rule =
  | 'no exception'
  /** Every track that was opened is connected or stopped. */
  | 'no leaked track'
  | 'two tracks at most'
  /** None is open while `mute` keeps the light off, and none after `close`. */
  | 'light is out'
  /** Each action makes sense after those before it. */
  | 'coherent actions'
  | 'coherent state'
  | 'calls settle once'
  | 'calls settle'
  /** What a call says is true. */
  | 'done truly'
  /** Bounded `getUserMedia`, whatever happens. */
  | 'bounded rate'
  /** Nobody is asked again who has said no. */
  | 'no unasked prompt'
  /** The device in use is let go only for a reason. */
  | 'switch without gap'
  /** Time without audio is told: as missing, as muted or as silent. */
  | 'silence told'
  /** Audio is not told as silence. */
  | 'silence taken back'
  /** A track that gives another device's audio than it says is noticed. */
  | 'foreign audio'
  /** A gap ends when audio is there. */
  | 'gap ends'
  /** The right device is in use some time after the last disturbance. */
  | 'settles'
  /** Nothing is opened once everything is as it should be. */
  | 'quiet';

/** A schedule has shown that a rule does not hold. */
export class Violation extends Error {
  readonly rule: Rule;
  readonly atMs: number;

  constructor(rule: Rule, atMs: number, detail: string) {
    super(detail);
    this.name = 'Violation';
    this.rule = rule;
    this.atMs = atMs;
  }
}
