import { MicwireError } from '../core/errors.ts';

/** Loads the package `ws`. @throws MicwireError `unsupported` when it is missing */
export async function importWs(): Promise<typeof import('ws')> {
  try {
    return await import('ws');
  } catch (cause) {
    throw new MicwireError(
      'unsupported',
      "The package 'ws' could not be loaded. Install it: npm install ws",
      { cause },
    );
  }
}
