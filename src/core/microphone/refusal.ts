/**
 * What a refused `getUserMedia` means, by the name of its DOMException (Media Capture and Streams §10.2, and what the engines
 * do beyond it).
 */
export type Refusal =
  /** The user, the system or the page's policy does not allow it, or the prompt was closed. Only the user can change that. */
  | 'permission'
  /** The page cannot even ask. */
  | 'unavailable'
  /** There is no such device. */
  | 'missing'
  /** The device is there and does not open: another program has it, or the system does, or it is broken. */
  | 'busy'
  /** Not now: the page is hidden, or is being loaded or left. */
  | 'inactive';

const REFUSALS: Readonly<Record<string, Refusal>> = {
  NotAllowedError: 'permission',
  // Former names of NotAllowedError, in WebViews that lag behind.
  PermissionDeniedError: 'permission',
  PermissionDismissedError: 'permission',
  SecurityError: 'unavailable',
  // No `mediaDevices` (no secure context), or constraints that the engine does not understand.
  TypeError: 'unavailable',
  NotSupportedError: 'unavailable',
  // Of our own: it was known before anything was opened.
  unavailable: 'unavailable',
  NotFoundError: 'missing',
  DevicesNotFoundError: 'missing',
  // Every constraint but the device is an ideal: only the device can be wrong.
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  // Firefox: "Starting audioinput failed".
  AbortError: 'busy',
  TimeoutError: 'busy',
  InvalidStateError: 'inactive',
};

/** Says what a refusal means. A name that no engine is known for counts as a device that does not open. */
export function refusalOf(name: string): Refusal {
  return Object.hasOwn(REFUSALS, name) ? REFUSALS[name]! : 'busy';
}

/** Whether no other device has better prospects. */
export function isFinal(name: string): boolean {
  const refusal = refusalOf(name);
  return refusal === 'permission' || refusal === 'unavailable';
}
