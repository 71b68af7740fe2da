/**
 * What a refused `getUserMedia` means, by the name of its DOMException (Media Capture and Streams §10.2, and what engines do in
 * addition).
 */
export type Refusal =
  /** The user, the system or the page's policy does not allow it, or the prompt was closed. Only the user can change that. */
  | 'permission'
  /** The page cannot even ask. */
  | 'unavailable'
  /** There is no such device. */
  | 'missing'
  /** The device is present but does not open: another program or the system uses it, or it is broken. */
  | 'busy'
  /** Not now: the page is hidden, or is being loaded or left. */
  | 'inactive';

const REFUSALS: Readonly<Record<string, Refusal>> = {
  NotAllowedError: 'permission',
  // Former names of NotAllowedError, in outdated WebViews.
  PermissionDeniedError: 'permission',
  PermissionDismissedError: 'permission',
  SecurityError: 'unavailable',
  // No `mediaDevices` (no secure context), or constraints that the engine does not understand.
  TypeError: 'unavailable',
  NotSupportedError: 'unavailable',
  // Our own name: this was known before a request was made.
  unavailable: 'unavailable',
  NotFoundError: 'missing',
  DevicesNotFoundError: 'missing',
  // Every constraint but the device is ideal: only the device can be wrong.
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  // Firefox: "Starting audioinput failed".
  AbortError: 'busy',
  TimeoutError: 'busy',
  InvalidStateError: 'inactive',
};

/** Returns what a refusal means. An unknown name counts as a device that does not open. */
export function refusalOf(name: string): Refusal {
  return Object.hasOwn(REFUSALS, name) ? REFUSALS[name]! : 'busy';
}

/** Returns whether another device would be refused too. */
export function isFinal(name: string): boolean {
  const refusal = refusalOf(name);
  return refusal === 'permission' || refusal === 'unavailable';
}
