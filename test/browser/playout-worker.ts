import { openPlayoutPort } from 'micwire/worker';
import type { PlayoutPort } from 'micwire/worker';
import { numberedSignal } from '../helpers/numbered-signal.ts';

const PIECE_SECONDS = 0.05;
const MARK_SECONDS = 0.1;

/** Writes a numbered signal twice as fast as real time, with marks, and tells the page what it is told itself. */
onmessage = (event: MessageEvent) => {
  const playout = openPlayoutPort(event, {
    onmark: (mark) => postMessage({ type: 'mark', mark }),
    oninterrupted: (interruption) => postMessage({ type: 'interrupted', interruption }),
    onclosed: () => postMessage({ type: 'closed' }),
  });
  if (playout) write(playout);
};

function write(playout: PlayoutPort): void {
  const { sampleRate } = playout;
  const signal = numberedSignal(0, sampleRate);
  const piece = PIECE_SECONDS * sampleRate;
  let at = 0;
  const timer = setInterval(
    () => {
      playout.write(signal.subarray(at, at + piece), { item: 'reply' });
      at += piece;
      if (at % (MARK_SECONDS * sampleRate) === 0) playout.mark('', { item: 'reply' });
      if (at >= signal.length) clearInterval(timer);
    },
    (PIECE_SECONDS * 1000) / 2,
  );
}
