/**
 * Ends a live context after a test. Suspended, not closed: WebKitGTK 2.50's audio thread now and then crashes the page when a
 * context closes that has just run (a null pointer in its AudioWorklet thread). The contexts go with the page.
 */
export async function endContext(context: AudioContext): Promise<void> {
  if (context.state === 'running') await context.suspend();
}
