import { openReceiverPort } from 'micwire/worker';
import type { ReceiverPort } from 'micwire/worker';

const RATE = 24_000;
const HZ = 300;
const CHUNK = RATE / 50;

/** Sends a tone as packets of 20 ms, in real time, past the page. */
onmessage = (event: MessageEvent) => {
  const receiver = openReceiverPort(event);
  if (receiver) send(receiver);
};

function send(receiver: ReceiverPort): void {
  const begun = performance.now();
  let sequence = 0;
  setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * RATE;
    for (; sequence * CHUNK < due; sequence++) {
      const frame = sequence * CHUNK;
      const samples = Int16Array.from({ length: CHUNK }, (_, i) => {
        return Math.round(16_384 * Math.sin((2 * Math.PI * HZ * (frame + i)) / RATE));
      });
      receiver.insert({
        sequence,
        frame,
        frames: CHUNK,
        timestamp: sequence * 20_000,
        dropped: 0,
        format: 's16',
        sampleRate: RATE,
        channels: 1,
        payload: new Uint8Array(samples.buffer),
      });
    }
  }, 10);
}
