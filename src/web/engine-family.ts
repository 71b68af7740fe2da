import type { EchoEngine } from '../core/microphone/echo-plan.ts';

/** Returns the family of the engine, recognized by a global that only this family has. */
export function engineFamily(): EchoEngine['family'] {
  if ('mozInnerScreenX' in globalThis) return 'gecko';
  if (typeof navigator === 'object' && 'userAgentData' in navigator) return 'chromium';
  return 'webkitConvertPointFromNodeToPage' in globalThis ? 'webkit' : 'other';
}
