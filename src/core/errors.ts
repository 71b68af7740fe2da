/** Causes outside the caller's control. Each message names the cause and the cure. */
export type MicwireErrorCode =
  /** The processor's module could not be loaded in any way. */
  | 'worklet-load'
  /** A codec's WebAssembly could not be loaded in any way. */
  | 'codec-load'
  /** The processor threw; its node is silent for good (Web Audio §1.32.4). */
  | 'processor-error'
  /** The context is running but no render quantum has reached the processor. */
  | 'stalled'
  /** The object is already closed. */
  | 'closed'
  /** The engine lacks a requested feature. */
  | 'unsupported'
  /** The source has no audio track that is live. */
  | 'no-audio'
  /** The user, the browser or the system does not allow the microphone. */
  | 'permission'
  /** The audio device is not there, or another program has it. */
  | 'device'
  /** There is not enough memory. */
  | 'out-of-memory'
  /** A Worker that reads or encodes is gone: it was terminated, has crashed or was never loaded. */
  | 'worker-gone'
  /** The recording cannot be written. */
  | 'recording'
  /** Nothing was recorded: there is no file. */
  | 'empty'
  /** The backup of a recording cannot be written or read. A recording under way continues without it. */
  | 'backup'
  /** The transport is not connected, or its peer went away. */
  | 'transport'
  /** A server or the callee refused a call or a registration: `SipError` has the status. */
  | 'refused';

/** A failure outside the program, unlike a wrong argument (`TypeError`, `RangeError`). */
export class MicwireError extends Error {
  override readonly name: 'MicwireError' = 'MicwireError';
  readonly code: MicwireErrorCode;

  /**
   * An error of another copy of micwire is one, too: each file of `micwire/min` has its own.
   * @internal
   */
  static override [Symbol.hasInstance](value: unknown): value is MicwireError {
    return (value as Error | undefined)?.name === 'MicwireError';
  }

  constructor(code: MicwireErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Why bytes from the network were refused. */
export type PacketErrorReason =
  /** Shorter than its own fields say. */
  | 'truncated'
  /** Longer than the limit, or with bytes left over. */
  | 'oversized'
  /** A version or a type that this code does not know. */
  | 'unknown-type'
  /** A field holds a value out of its range. */
  | 'bad-field'
  /** Not Base64 (RFC 4648 §4). */
  | 'bad-base64'
  /** Not JSON (RFC 8259), or not an object of the expected form. */
  | 'bad-json';

/** The only error that bytes from the network can cause. */
export class PacketError extends Error {
  override readonly name: 'PacketError' = 'PacketError';
  readonly reason: PacketErrorReason;

  /**
   * As for {@link MicwireError}.
   * @internal
   */
  static override [Symbol.hasInstance](value: unknown): value is PacketError {
    return (value as Error | undefined)?.name === 'PacketError';
  }

  constructor(reason: PacketErrorReason, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/** Code that tells of an error. Anything but a MicwireError is a fault in the code that threw it. */
export function errorCode(error: unknown): MicwireErrorCode {
  return error instanceof MicwireError ? error.code : 'processor-error';
}

/** What an error says. Anything may be thrown: what is not an Error is written as a string. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
