import { describe, expect, it } from 'vitest';
import { readReports } from '../src/core/rtp/rtcp.ts';
import { RtpReception } from '../src/node/rtp-reception.ts';
import { mutateBytes } from './helpers/mutate.ts';
import { seededRandom } from './helpers/random.ts';
import { STREAMS, packets } from './helpers/rtp-socket-rig.ts';

describe('RtpReception', () => {
  it('accounts for every frame, with any arrivals', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const stream = STREAMS[seed % STREAMS.length]!;
      let end = 0;
      let given = 0;
      let missingFrames = 0;
      let nowMs = 0;
      const reception = new RtpReception(
        stream,
        {
          reorderMs: random() * 200,
          maxBytes: 1e5,
          reports: { intervalMs: 100, reporter: 9, cname: 'test' },
        },
        {
          audio(frame, frames, bytes, missing) {
            expect(frame).toBe(end + missing);
            expect(missing).toBeGreaterThanOrEqual(0);
            expect(frames).toBeGreaterThan(0);
            expect(bytes.length).toBeGreaterThan(0);
            end = frame + frames;
            given += frames;
            missingFrames += missing;
          },
          report: (bytes) => expect(readReports(bytes).length).toBe(1),
        },
      );
      const sent = packets(stream, 60, `fuzz ${seed}`, seed % 3);
      let messages = 0;
      for (let i = 0; i < 2000; i++) {
        const source = sent[Math.floor(random() * sent.length)]!.message;
        const message = random() < 0.5 ? source : mutateBytes(source, random);
        nowMs += random() * 20;
        reception.receive(message, nowMs);
        messages++;
        const { received, strays, bad, lost, late, duplicates } = reception.counts;
        // A message that is kept until the next one confirms it is a stray until then.
        expect(received + strays + bad).toBe(messages);
        for (const count of [lost, late, duplicates]) expect(count).toBeGreaterThanOrEqual(0);
        // It holds no more than 100 kB, and one packet.
        expect(reception.waitingFrames).toBeLessThan(1e6);
      }
      reception.flush();
      expect(reception.waitingFrames).toBe(0);
      expect(given + missingFrames).toBe(end);
      expect(given).toBeGreaterThan(0);
    }
  }, 60_000);
});
