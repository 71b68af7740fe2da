/**
 * Prints what it takes to read and write one packet of RTP, in bytes of the heap. Run in a process of its own with `--expose-gc` and a
 * young generation so large that nothing is collected meanwhile.
 */
import { HeaderExtensionCursor } from '../../src/core/rtp/header-extensions.ts';
import {
  InterarrivalJitter,
  ReceptionStatistics,
} from '../../src/core/rtp/reception-statistics.ts';
import { RedBlocks, writeRedBlockHeader, writeRedPrimaryHeader } from '../../src/core/rtp/red.ts';
import { writeRtpHeader } from '../../src/core/rtp/rtp-header.ts';
import { RtpPacket } from '../../src/core/rtp/rtp-packet.ts';
import { SequenceUnwrapper, TimestampUnwrapper } from '../../src/core/rtp/unwrapper.ts';

const CALLS = 5000;
/** On a busy machine it takes a while until the compiler has come to it. */
const MOST_RUNS = 2000;
/** Each run begins with a restart of the stream, which may cost a number or two. */
const GOOD_BYTES = 0.2;

const collect = (globalThis as unknown as { readonly gc: () => void }).gc;

function measure(act: (call: number) => void): number {
  let least = Infinity;
  for (let run = 0; run < MOST_RUNS && least > GOOD_BYTES; run++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < CALLS; call++) act(call);
    const bytes = process.memoryUsage().heapUsed - before;
    if (run > 1) least = Math.min(least, bytes / CALLS);
  }
  return least;
}

const header = {
  payloadType: 112,
  sequenceNumber: 0,
  timestamp: 0,
  ssrc: 0xdead_beef,
  extensions: [{ id: 1, data: Uint8Array.of(30) }],
};
const message = new Uint8Array(200);
const packet = new RtpPacket();
const cursor = new HeaderExtensionCursor();
const blocks = new RedBlocks();
const sequences = new SequenceUnwrapper();
const timestamps = new TimestampUnwrapper();
const jitter = new InterarrivalJitter(48_000);
const statistics = new ReceptionStatistics(1, 48_000);
let sum = 0;

function write(call: number): void {
  header.sequenceNumber = call % 65_536;
  header.timestamp = call * 960;
  let at = writeRtpHeader(header, message);
  at = writeRedBlockHeader(111, 960, 20, message, at);
  writeRedPrimaryHeader(111, message, at);
}

console.log(
  JSON.stringify({
    write: measure(write),
    read: measure(() => {
      packet.parse(message, 0, message.length);
      cursor.begin(packet);
      while (cursor.next()) sum += cursor.id;
      blocks.parse(message, packet.payloadOffset, packet.payloadBytes);
      sum += blocks.byteLength(0) + packet.payloadType + (packet.marker ? 1 : 0);
    }),
    unwrap: measure((call) => {
      sequences.unwrap((65_000 + call) % 65_536);
      timestamps.unwrap((4_294_900_000 + call * 960) % 4_294_967_296);
    }),
    statistics: measure((call) => {
      jitter.update((call * 960) % 4_294_967_296, call * 20 + (call % 7));
      if (call % 19 !== 3) statistics.update(call, call * 960, call * 20 + (call % 7));
    }),
    sum: sum === 0 ? 1 : 0,
  }),
);
