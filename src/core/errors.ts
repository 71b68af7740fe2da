/** Code of a failure outside the caller's control. The error's message states the cause and the remedy. */
export type MicwireErrorCode =
  /** The processor's module could not be loaded in any way. */
  | 'worklet-load'
  /** A codec's WebAssembly could not be loaded in any way. */
  | 'codec-load'
  /** The processor threw; its node stays silent (Web Audio §1.32.4). */
  | 'processor-error'
  /** The context is running but no render quantum has reached the processor. */
  | 'stalled'
  /** The object is already closed. */
  | 'closed'
  /** The engine lacks a requested feature. */
  | 'unsupported'
  /** The source has no live audio track. */
  | 'no-audio'
  /** The user, the browser or the system does not allow the microphone. */
  | 'permission'
  /** The audio device is missing, or another program uses it. */
  | 'device'
  /** There is not enough memory. */
  | 'out-of-memory'
  /** A Worker that was reading or encoding is gone: it was terminated, has crashed or was never loaded. */
  | 'worker-gone'
  /** The recording cannot be written. */
  | 'recording'
  /** Nothing was recorded: there is no file. */
  | 'empty'
  /** The backup of a recording cannot be written or read. A recording in progress continues without it. */
  | 'backup'
  /** The transport is not connected, or its peer went away. */
  | 'transport'
  /** A server or the callee refused a call or a registration; `SipError` has the status. */
  | 'refused';

/** A failure outside the program, as opposed to an invalid argument (`TypeError`, `RangeError`). */
export class MicwireError extends Error {
  override readonly name: 'MicwireError' = 'MicwireError';
  readonly code: MicwireErrorCode;

  /**
   * Also recognizes errors from another copy of micwire: each file of `micwire/min` contains its own copy.
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
  /** Shorter than its own fields state. */
  | 'truncated'
  /** Longer than the limit, or with bytes left over. */
  | 'oversized'
  /** A version or a type that this code does not know. */
  | 'unknown-type'
  /** A field holds a value outside its range. */
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

/** Returns the code of an error. Any error other than a MicwireError is a bug in the code that threw it. */
export function errorCode(error: unknown): MicwireErrorCode {
  return error instanceof MicwireError ? error.code : 'processor-error';
}

/** Returns the message of an error. Any value may be thrown; one that is not an Error is converted to a string. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
