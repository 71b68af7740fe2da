/** The files that Opus needs, in JavaScript. */
export interface OpusCopies {
  /** libopus, in Base64. */
  library(): Promise<{ readonly default: string }>;
  /** The script of the Worker that encodes. */
  worker(): Promise<{ readonly default: string }>;
  /** The script of the worklet that encodes. */
  captureWorklet(): Promise<{ readonly default: string }>;
  /** The script of the worklet that receives. */
  receiveWorklet(): Promise<{ readonly default: string }>;
}

/** Set only by the entry `micwire/opus-inline`: otherwise a single-file bundle would include them in apps that never use Opus. */
let copies: OpusCopies | undefined;

export function carryOpus(given: OpusCopies): void {
  copies = given;
}

/** @throws Error in an app that does not import `micwire/opus-inline` */
export function opusCopies(): OpusCopies {
  if (copies === undefined) throw new Error("the app does not import 'micwire/opus-inline'");
  return copies;
}
