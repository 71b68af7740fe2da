import type { Signalling } from 'micwire';

/** Resolves when the server has admitted it to its room, or has refused: the call then fails with the reason. */
export function joined(signalling: Signalling): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (signalling.state === 'connecting') return;
      signalling.removeEventListener('statechange', look);
      resolve();
    };
    signalling.addEventListener('statechange', look);
    look();
  });
}
