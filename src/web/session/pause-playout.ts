import { MicwireError } from '../../core/errors.ts';
import type { Playout } from '../playout.ts';

/** Pauses the playout of a session's replies. If the playout closes during the call, it is silent too. */
export async function pausePlayout(playout: Playout): Promise<void> {
  try {
    await playout.pause();
  } catch (error) {
    if (!(error instanceof MicwireError) || error.code !== 'closed') throw error;
  }
}
