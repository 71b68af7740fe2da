/** How often it is asked for, in ms: at first, and when it has not come for long. */
const SOON_MS = 15;
const LATER_MS = 250;
const SOON_TIMES = 200;

/**
 * Calls once when the first packet of sound has come in, within some 20 ms of it. It asks the figures, because other signs
 * depend on whether someone plays the sound.
 * @returns ends it
 */
export function watchFirstSound(receiver: RTCRtpReceiver, onSound: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  let asked = 0;
  const ask = async (): Promise<void> => {
    // It rejects when the connection is closed meanwhile.
    const isHere = await hasPackets(receiver).catch(() => false);
    if (ended) return;
    if (isHere) onSound();
    else timer = setTimeout(() => void ask(), ++asked < SOON_TIMES ? SOON_MS : LATER_MS);
  };
  void ask();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

async function hasPackets(receiver: RTCRtpReceiver): Promise<boolean> {
  const report = await receiver.getStats();
  for (const entry of report.values()) {
    if (entry.type === 'inbound-rtp')
      return (entry as RTCInboundRtpStreamStats).packetsReceived! > 0;
  }
  return false;
}
