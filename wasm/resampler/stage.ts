/**
 * A stage's state in linear memory, written by src/core/resampler/resampler-wasm-layout.ts, which must lay it out in this order.
 * Every field is 32 bits wide.
 */
@unmanaged
export class Stage {
  /** One of the constants below. */
  kind: i32;
  /** Values still needed, oldest first; `fill` of them. In HALVE those at odd instants. They wander within their room. */
  line: usize;
  fill: i32;
  lineFrom: usize;
  lineTo: usize;
  /** HALVE only: the values at even instants. */
  evenLine: usize;
  evenFill: i32;
  evenFrom: usize;
  evenTo: usize;
  /** HALVE only: 1 when the next input is at an odd instant. */
  parity: i32;
  /** Where outputs go. 16 bytes before it and 256 behind the largest block may be overwritten. */
  output: usize;
  /** HALVE and DOUBLE: one side of the symmetric filter, farthest tap first, by parity of the distance. */
  oddTaps: usize;
  oddPairs: i32;
  evenTaps: usize;
  evenPairs: i32;
  /** The centre tap. */
  centre: usize;
  /** HALVE and DOUBLE with a long filter: the nine quarters of fast-fir.ts, or 0. `fastEven` for a filter without zero taps. */
  fastOdd: usize;
  fastEven: usize;
  /** Eight values that fast-fir.ts carries over: four for each. */
  carry: usize;
  /** HALVE: how far into the line of even instants the first output's centre lies. DOUBLE: into the line. */
  before: i32;
  /** A block between two steps of one stage. */
  scratch: usize;
  /** POLYPHASE and INTERPOLATED: outputs per `down` inputs. */
  up: i32;
  down: i32;
  taps: i32;
  /** Coefficients: see polyphase.ts. */
  table: usize;
  /** POLYPHASE: by how much the first tap moves from each group to the next. INTERPOLATED: unused. */
  moves: usize;
  groups: i32;
  rows: i32;
  /** POLYPHASE: the group of the next output. */
  group: i32;
  /** How many outputs of the group that the lines begin with have gone. */
  done: i32;
  /** POLYPHASE: first tap of that group. INTERPOLATED: of the next output. May lie beyond `fill`. */
  start: i32;
  /** The next output's phase, 0 to up − 1, and its first tap relative to `start`. */
  phase: i32;
  lead: i32;
  /** INTERPOLATED: stored phases. */
  phases: i32;
}

export const HALVE: i32 = 0;
export const DOUBLE: i32 = 1;
export const POLYPHASE: i32 = 2;
export const INTERPOLATED: i32 = 3;
/** POLYPHASE stages of 3 : 2, and of 2 : 3 before HALVE. `rows` counts an output's taps on each of `down` streams. */
export const PERIODIC_UP: i32 = 4;
export const PERIODIC_DOWN: i32 = 5;
