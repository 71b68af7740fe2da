import type { EchoEngine } from '../core/microphone/echo-plan.ts';

/** The family of the engine, by a global that only it has. */
export function engineFamily(): EchoEngine['family'] {
  if ('mozInnerScreenX' in globalThis) return 'gecko';
  if (typeof navigator === 'object' && 'userAgentData' in navigator) return 'chromium';
  return 'webkitConvertPointFromNodeToPage' in globalThis ? 'webkit' : 'other';
}
