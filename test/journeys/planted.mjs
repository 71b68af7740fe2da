/**
 * Faults that journeys once found, to be planted again: `npm run bench -- journeys --planted` shows within how many seeds each is
 * found. A fault is a piece of source that is replaced as the bundle is made; nothing on the disk changes.
 */

/** @type {readonly import('../helpers/planting.mjs').Fault[]} */
export const FAULTS = [
  {
    name: 'A1: the delay does not follow a path that becomes longer, or a pause',
    file: 'receive/delay-target.ts',
    anchor: 'if (state[RUN_PACKETS]! >= CONFIRM_PACKETS) this.#confirmLonger();',
    replacement: '',
  },
  {
    name: 'A1: the delay does not follow a path that becomes shorter',
    file: 'receive/delay-target.ts',
    anchor: 'if (lasted && state[RUN_PACKETS]! >= CONFIRM_PACKETS) this.#confirmShorter();',
    replacement: '',
  },
  {
    name: 'A1: a sender that restarts soon after it began passes for duplicates',
    file: 'rtp/stream-continuity.ts',
    anchor: 'this.#mostRepeats = repeatsRestart ? REPEATS : Number.POSITIVE_INFINITY;',
    replacement: 'this.#mostRepeats = Number.POSITIVE_INFINITY;',
  },
  {
    name: 'A1: the timeline follows a jump of the timestamps',
    file: 'receive/stream-numbering.ts',
    anchor: 'if (leads) this.#followJump(ahead > 0 ? ahead : 1, frames);',
    replacement: '',
  },
  {
    name: 'A2: the decoder is deaf to a sender that restarts with the same SSRC',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'if (verdict === RESTARTS) return this.#restart(this.#confirmed(message));',
    replacement: '',
  },
  {
    name: 'A3: packets of padding count as lost',
    file: 'framing/rtp-message-decoder.ts',
    anchor: "if (isEmpty && isOwn) return 'padding';",
    replacement:
      "if (isEmpty && isOwn) throw new PacketError('truncated', 'The packet is empty.');",
  },
  {
    name: 'A3: packets of other payload types count as lost',
    file: 'framing/rtp-message-decoder.ts',
    anchor: "return type === COMFORT_NOISE_TYPE ? 'comfort-noise' : 'other';",
    replacement: "throw new PacketError('unknown-type', 'The payload type was not agreed on.');",
  },
  {
    name: 'A3: a packet without audio moves the timeline back',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'packets.push(this.#packetOf(sequence, end, 0, NO_BYTES, 0, rtp, noAudio));',
    replacement:
      'this.#endTick = this.#highTick; packets.push(this.#packetOf(sequence, end, 0, NO_BYTES, 0, rtp, noAudio));',
  },
  {
    name: 'A3: a first packet that was overtaken across 65535/0 is refused',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'if (!isLater) this.#high += SEQUENCES;',
    replacement: '',
  },
  {
    name: 'A3: a first packet that was overtaken as the timestamps began again is refused',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'if (tick < MAX_MISORDER * duration) this.#highTick += TIMESTAMPS;',
    replacement: '',
  },
  {
    name: 'A4: a clock that is off by percent is concealed',
    file: 'dsp/drift-estimator.ts',
    anchor: 'const MAX_SKEW = 0.06;',
    replacement: 'const MAX_SKEW = 1500e-6;',
  },
  {
    name: 'A5: a chunk that the queue drops leaves a number out, one that the audio thread drops does not',
    file: 'capture/chunk-queue.ts',
    anchor: 'this.#droppedChunks++;',
    replacement: '',
  },
  {
    name: 'frames that find no slot are not counted',
    file: 'capture/chunk.ts',
    anchor: 'this.#dropped += frames;\n    this.#droppedBefore += frames;',
    replacement: 'this.#droppedBefore += frames;',
  },
  {
    name: 'a gap of the context is not counted',
    file: 'capture/capture-pipeline.ts',
    anchor: 'this.#writer.skip(this.#frameAt(contextFrame) - this.#writer.frame);',
    replacement: '',
  },
  {
    name: 'frames that are left out count as heard',
    file: 'playout/timeline.ts',
    anchor: 'this.skipped += part;',
    replacement: '',
  },
];
