/** One thing that the lab measures. The page shows its definition; JSON, CSV and command line use its id. */
export interface Metric {
  /** Short, as the page shows it. */
  readonly label: string;
  /** Of the value as stored. `'ratio'`: 0 to 1, shown in percent. */
  readonly unit: 'ms' | 'kbit/s' | 'ratio' | 'dB' | 'packets' | 'per min' | 'ms/s' | '';
  /** Which way is better; null where that cannot be said. */
  readonly better: 'lower' | 'higher' | null;
  /** Digits behind the point, as shown: of a ratio, of its percent. */
  readonly digits: number;
  /** Of each lane, or of a run as a whole. */
  readonly scope: 'lane' | 'run';
  /** What it is, in full sentences. */
  readonly definition: string;
  /** Where the WebRTC lanes get it, when not from the audio itself: fields of getStats (W3C webrtc-stats). */
  readonly webrtc: string | null;
  /** How it is computed from what a lane counts; null for what is measured otherwise. */
  readonly from: FromCounters | null;
  /** Charted over time: the least that the scale spans, as shown. null: not charted. */
  readonly chart: readonly [number, number] | null;
}

/**
 * How a figure is computed from a lane's counters, which are named here and nowhere else: a lane reports those that it has.
 * - `counter`: the counter itself;
 * - `sum`: the sum of some counters at this moment, minus others; between two readings: the growth of that sum;
 * - `part` and `whole`: between two readings, the growth of some counters over that of others, or over the `'seconds'` that passed, times
 *   a factor.
 */
export type FromCounters =
  | { readonly counter: string }
  | { readonly sum: readonly string[]; readonly less: readonly string[] }
  | {
      readonly part: readonly string[];
      readonly whole: readonly string[] | 'seconds';
      readonly factor: number;
    };

const lane = { scope: 'lane', webrtc: null, from: null, chart: null } as const;

/** Everything that is measured, in the order of a full table. */
export const METRICS = {
  latency_p50_ms: {
    ...lane,
    label: 'Latency',
    unit: 'ms',
    better: 'lower',
    digits: 0,
    definition:
      'From graph-in to graph-out: how much later the audio leaves the lane’s last node than it entered its first. ' +
      'Both are in one AudioContext, so one clock times them. For every 200 ms window of the reference that holds ' +
      'audio (RMS above −45 dBFS), the lab searches for the lag, up to 2 s, at which the normalised ' +
      'cross-correlation with the lane’s output is largest. A window counts when that correlation is at least 0.6. ' +
      'The figure is the median of the windows, to one sample. It excludes the microphone, the loudspeaker and ' +
      'their drivers: no page can measure those.',
    chart: [0, 100],
  },
  latency_p95_ms: {
    ...lane,
    label: 'Latency, 95 %',
    unit: 'ms',
    better: 'lower',
    digits: 0,
    definition:
      'The same as the latency, but the lag that 95 % of the windows do not exceed: what a call feels like in its ' +
      'worse moments.',
  },
  match_ratio: {
    ...lane,
    label: 'Recognised',
    unit: 'ratio',
    better: 'higher',
    digits: 1,
    definition:
      'The share of the reference’s windows with audio that were found in the lane’s output: by a correlation of at ' +
      'least 0.6 within 2 s; or, because codecs replace hisses by other noise, by a spectral distance below 6 dB at the lag ' +
      'of the last such window. The other windows were lost, concealed, stretched beyond recognition, or later than 2 s.',
  },
  correlation: {
    ...lane,
    label: 'Correlation',
    unit: '',
    better: 'higher',
    digits: 3,
    definition:
      'The median, over the windows with audio, of the largest normalised cross-correlation. 1 is the same waveform ' +
      'at any level. Codecs do not keep the waveform: Opus at 32 kbit/s scores lower without sounding as much ' +
      'worse.',
  },
  first_sound_ms: {
    ...lane,
    label: 'First sound',
    unit: 'ms',
    better: 'lower',
    digits: 0,
    definition:
      'From the request for the lane, while the source is already playing, to the first 10 ms of output above −50 ' +
      'dBFS. It includes Worker, codec, connection, signalling, ICE and DTLS, and is timed by the context’s clock. ' +
      'What lanes share (worklets, libopus) is loaded before, and lanes open one at a time.',
  },
  seg_snr_db: {
    ...lane,
    label: 'Segmental SNR',
    unit: 'dB',
    better: 'higher',
    digits: 1,
    definition:
      'Over 20 ms frames with audio, aligned to a fraction of a sample by the lag of their window: ten times the ' +
      'logarithm of the reference’s energy over the energy of the difference, clamped to −10 … 35 dB; the mean of ' +
      'all frames. Any change of the waveform lowers it, so it separates samples from codecs rather than good ' +
      'codecs from bad ones.',
  },
  lsd_db: {
    ...lane,
    label: 'Spectral distance',
    unit: 'dB',
    better: 'lower',
    digits: 1,
    definition:
      'Log-spectral distance of aligned windows: Hann windows of about 21 ms, from 100 Hz to 8 kHz; the root of the ' +
      'mean squared difference of the two power spectra in dB, with a floor 80 dB below a full-scale sine; the ' +
      'median. It ignores phase: it shows what is missing or added, not what is shifted.',
  },
  level_db: {
    ...lane,
    label: 'Level',
    unit: 'dB',
    better: null,
    digits: 1,
    definition:
      'How much stronger the output is than the reference, by the energy of aligned windows that were recognised: the ' +
      'median. 0 is unchanged. The blind comparison plays both lanes at the level of the quieter one.',
  },
  stoi: {
    ...lane,
    label: 'Intelligibility',
    unit: '',
    better: 'higher',
    digits: 3,
    definition:
      'STOI, the short-time objective intelligibility measure (Taal, Hendriks, Heusdens, Jensen, IEEE TASLP 2011), from ' +
      'about 0 to 1: at 10 kHz, in 15 one-third-octave bands from 150 Hz, the correlation of the envelopes of reference ' +
      'and aligned output over 384 ms, without the frames that are more than 40 dB below the strongest. A window that was ' +
      'not recognised is compared at the lag of the one before. Only runs have it, over their first 30 s of audio. It was ' +
      'made for speech in noise: for music it says nothing, and it does not tell good codecs apart.',
  },
  glitches_per_min: {
    ...lane,
    label: 'Glitches',
    unit: 'per min',
    better: 'lower',
    digits: 1,
    definition:
      'Holes and wrong audio, for each minute of source with audio. One glitch is a run of 5 ms frames in which ' +
      'the reference has audio (above −45 dBFS) and the aligned output is more than 15 dB weaker than the quietest ' +
      'of five neighbouring frames; or a run of windows that were not recognised. So a hole of 10 ms counts wherever it ' +
      'begins. Well-concealed audio is not a glitch, and Opus at 32 kbit/s with nothing lost has none.',
  },
  bitrate_kbps: {
    ...lane,
    label: 'Bitrate',
    unit: 'kbit/s',
    better: 'lower',
    digits: 1,
    definition:
      'On the wire, one way, with every header up to IPv4, computed from the messages sent. WebSocket: what TCP sent again over the simulated network, and the message, 2–8 bytes of frame and 4 of mask ' +
      '(RFC 6455 §5.2), and for every segment of 1448 bytes 32 of TCP with time stamps and 20 of IP. Data channel: the message, 16 of the DATA chunk ' +
      'padded to 4 and 12 of SCTP (RFC 9260), 22 of DTLS 1.3 with AES-GCM (RFC 9147), 8 of UDP, 20 of IP. WebRTC: payload, RTP header with extensions, ' +
      '10 of SRTP’s tag (HMAC-SHA1-80), 8 of UDP, 20 of IP. ' +
      'The reports that copies and FEC adapt by are counted, though they go the other way. Acknowledgements, WebRTC’s RTCP and STUN are left out.',
    webrtc: 'outbound-rtp: bytesSent + headerBytesSent, packetsSent × (10 + 8 + 20)',
    from: { part: ['wireBytes', 'repeatedBytes'], whole: 'seconds', factor: 8 / 1000 },
    chart: [0, 100],
  },
  payload_kbps: {
    ...lane,
    label: 'Payload',
    unit: 'kbit/s',
    better: 'lower',
    digits: 1,
    definition:
      'Only the audio itself, one way: samples or packets of Opus (with redundancy, each counted once), before ' +
      'Base64 and before any header.',
    webrtc: 'outbound-rtp: bytesSent (with RED that holds the copies too)',
    from: { part: ['payloadBytes'], whole: 'seconds', factor: 8 / 1000 },
  },
  packets_sent: {
    ...lane,
    label: 'Sent',
    unit: 'packets',
    better: null,
    digits: 0,
    definition:
      'Packets that left. A packet is one message, or one RTP packet. Sent = received + lost + under way, since the lane ' +
      'opened and within a run.',
    webrtc: 'outbound-rtp: packetsSent',
    from: { counter: 'packetsSent' },
  },
  packets_received: {
    ...lane,
    label: 'Received',
    unit: 'packets',
    better: null,
    digits: 0,
    definition: 'Packets that arrived, each once, however late.',
    webrtc: 'inbound-rtp: packetsReceived',
    from: { counter: 'packetsReceived' },
  },
  packets_lost: {
    ...lane,
    label: 'Lost',
    unit: 'packets',
    better: 'lower',
    digits: 0,
    definition:
      'Packets with a number below the highest that arrived, which did not arrive themselves (RFC 3550 A.3). A ' +
      'packet that arrives after all is subtracted again.',
    webrtc: 'inbound-rtp: packetsLost',
    from: { counter: 'packetsLost' },
  },
  packets_under_way: {
    ...lane,
    label: 'Under way',
    unit: 'packets',
    better: null,
    digits: 0,
    definition:
      'Packets sent with a number above the highest that arrived: they are on the simulated network, or in a queue ' +
      'before it. In a run: how many more there are at its end than at its beginning, below 0 where there are fewer.',
    webrtc: 'packetsSent − packetsReceived − packetsLost, as the two reports saw them',
    from: { sum: ['packetsSent'], less: ['packetsReceived', 'packetsLost'] },
  },
  packets_late: {
    ...lane,
    label: 'Late',
    unit: 'packets',
    better: 'lower',
    digits: 0,
    definition: 'Packets that arrived after their turn to be played, and were discarded.',
    webrtc:
      'inbound-rtp: packetsDiscarded (not with RED: copies that are not needed count there too)',
    from: { counter: 'packetsLate' },
  },
  packets_recovered: {
    ...lane,
    label: 'Recovered',
    unit: 'packets',
    better: null,
    digits: 0,
    definition:
      'Lost packets whose audio arrived in another packet: as a copy (RED, RFC 2198) or as Opus’s in-band FEC.',
    webrtc: 'inbound-rtp: fecPacketsReceived − fecPacketsDiscarded',
    from: { counter: 'packetsRecovered' },
  },
  packets_dropped: {
    ...lane,
    label: 'Not sent',
    unit: 'packets',
    better: 'lower',
    digits: 0,
    definition:
      'Packets that the sender did not send: it was not connected, or more than half a second of audio was waiting ' +
      'for the network.',
    from: { counter: 'packetsDropped' },
  },
  copies_per_packet: {
    ...lane,
    label: 'Copies',
    unit: '',
    better: null,
    digits: 2,
    definition:
      'Copies of earlier packets (RED, RFC 2198) in each packet, on average. Where copies adapt, the receiver ' +
      'reports its losses once a second on the same channel, and the sender uses the fewest copies that leave less ' +
      'than 0.5 % lost.',
    from: { part: ['copiesSent'], whole: ['packetsSent'], factor: 1 },
  },
  loss_ratio: {
    ...lane,
    label: 'Loss',
    unit: 'ratio',
    better: 'lower',
    digits: 1,
    definition:
      'Lost packets over those received and lost. TCP delivers every packet, some of them late: a WebSocket lane ' +
      'has no loss, but waits.',
    webrtc: 'inbound-rtp: packetsLost / (packetsReceived + packetsLost)',
    from: { part: ['packetsLost'], whole: ['packetsLost', 'packetsReceived'], factor: 1 },
    chart: [0, 5],
  },
  concealed_ratio: {
    ...lane,
    label: 'Concealed',
    unit: 'ratio',
    better: 'lower',
    digits: 2,
    definition:
      'The share of all played frames that were concealed, because the audio for them was lost or late.',
    webrtc: 'inbound-rtp: concealedSamples / totalSamplesReceived',
    from: { part: ['concealedSamples'], whole: ['totalSamplesReceived'], factor: 1 },
    chart: [0, 5],
  },
  r_factor: {
    ...lane,
    label: 'R, E-model',
    unit: '',
    better: 'higher',
    digits: 0,
    definition:
      'The rating factor of the E-model (ITU-T G.107, narrowband), from two of the figures here: R = 93.2 − Idd − ' +
      'Ie-eff. Idd comes from the latency (median) as the absolute delay; Ie-eff from what was concealed as the lost ' +
      'packets, with Ie = 0 and Bpl = 25.1, those of G.711 with concealment (G.113 Appendix I), for every lane. All other ' +
      'parameters have their defaults. 93 is the most; above 80 users are satisfied, below 60 nearly all are not (G.109); ' +
      'as a mean opinion score 93 is 4.4, 80 is 4.0, 70 is 3.6, 60 is 3.1, 50 is 2.6. It weighs delay against loss, and ' +
      'nothing else: the ITU has published no Ie for Opus, so it does not tell codecs apart, nor wideband from the ' +
      'telephone; it takes losses as random; devices and echo are left out. It is for planning, and does not measure what ' +
      'people hear.',
  },
  time_scaled_ratio: {
    ...lane,
    label: 'Time-scaled',
    unit: 'ratio',
    better: 'lower',
    digits: 2,
    definition:
      'Frames that were removed to catch up, and those inserted to wait, over all played frames.',
    webrtc:
      'inbound-rtp: (removedSamplesForAcceleration + insertedSamplesForDeceleration) / totalSamplesReceived',
    from: {
      part: ['removedSamplesForAcceleration', 'insertedSamplesForDeceleration'],
      whole: ['totalSamplesReceived'],
      factor: 1,
    },
  },
  playout_delay_ms: {
    ...lane,
    label: 'Playout delay',
    unit: 'ms',
    better: 'lower',
    digits: 0,
    definition:
      'How long audio waits in the receiver, from its arrival until it plays, on average.',
    webrtc: 'inbound-rtp: jitterBufferDelay / jitterBufferEmittedCount',
    from: { part: ['jitterBufferDelay'], whole: ['jitterBufferEmittedCount'], factor: 1000 },
  },
  playout_target_ms: {
    ...lane,
    label: 'Playout target',
    unit: 'ms',
    better: null,
    digits: 0,
    definition:
      'How long the receiver aims to let audio wait, from what it has learnt of the network, on average.',
    webrtc: 'inbound-rtp: jitterBufferTargetDelay / jitterBufferEmittedCount',
    from: { part: ['jitterBufferTargetDelay'], whole: ['jitterBufferEmittedCount'], factor: 1000 },
  },
  encode_ms_per_s: {
    ...lane,
    label: 'Encode time',
    unit: 'ms/s',
    better: 'lower',
    digits: 1,
    definition:
      'Time taken to make packets, for each second of audio: codec, Base64 and framing. Measured by ' +
      'performance.now() in the Workers that do it: the codec in the capture’s, the rest in the lane’s.',
    from: { part: ['encodeMs'], whole: ['encodedSeconds'], factor: 1 },
  },
  decode_ms_per_s: {
    ...lane,
    label: 'Decode time',
    unit: 'ms/s',
    better: 'lower',
    digits: 1,
    definition:
      'Time taken to read packets, for each second of audio: framing, Base64 and codec. The codec runs on the ' +
      'audio thread, which has no clock; a Worker decodes one packet in eight once more to time it.',
    from: { part: ['decodeMs'], whole: ['decodedSeconds'], factor: 1 },
  },
  link_lateness_p99_ms: {
    label: 'Network lateness, 99 %',
    unit: 'ms',
    better: 'lower',
    digits: 1,
    scope: 'run',
    definition:
      'How much later the simulated network delivered packets than its model said, because the machine was busy. A ' +
      'run above 5 ms is void: it would measure the machine.',
    webrtc: null,
    from: null,
    chart: null,
  },
  recorder_dropped_ms: {
    label: 'Recorder’s gaps',
    unit: 'ms',
    better: 'lower',
    digits: 0,
    scope: 'run',
    definition:
      'Audio that the recorder behind the figures lost, in ms. Windows that touch a gap are left out; a run with ' +
      'any gap is void.',
    webrtc: null,
    from: null,
    chart: null,
  },
} as const satisfies Readonly<Record<string, Metric>>;
