import type { Call } from 'micwire';

/** Why a call has ended, in a sentence; empty before it has. */
export function closeReason({ steps }: Call): string {
  return steps.find(({ name }) => name === 'close')?.moments.at(-1)?.text ?? '';
}
