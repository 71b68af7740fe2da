import { MicwireError } from '../../core/errors.ts';
import type { JsSip } from './jssip-types.ts';

/** Loads the package `jssip`, an optional peer. @throws MicwireError `'unsupported'` when it is missing */
export async function loadJsSip(): Promise<JsSip> {
  try {
    return (await import('jssip')).default;
  } catch (cause) {
    throw new MicwireError(
      'unsupported',
      "The package 'jssip' could not be loaded. Install it: npm install jssip@3",
      { cause },
    );
  }
}
