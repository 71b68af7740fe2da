import { MicwireError } from '../../core/errors.ts';
import type { Playout } from '../playout.ts';

/** Pauses what plays a session's replies. A playout that closes meanwhile is silent, too. */
export async function pausePlayout(playout: Playout): Promise<void> {
  try {
    await playout.pause();
  } catch (error) {
    if (!(error instanceof MicwireError) || error.code !== 'closed') throw error;
  }
}
