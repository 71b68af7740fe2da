import { LANE_IDS } from '../../demo/lanes/lane-ids.ts';
import { LANES } from '../../demo/lanes/lanes.ts';
import { METRICS } from '../../demo/measure/metric-table.ts';
import type { Metric } from '../../demo/measure/metric-table.ts';
import { MICROPHONE_FIGURES } from '../../demo/page/microphone-figures.ts';
import type { MicrophoneFigure } from '../../demo/page/microphone-figures.ts';

const COLUMNS = 112;

const HOW = `\
# Definitions of the lab

Every lane, and every figure that [the lab](lab.md) shows. The page shows the same definitions; JSON, CSV and
the command line use the names in code. This page is generated from \`demo/lanes/lanes.ts\`,
\`demo/measure/metric-table.ts\` and \`demo/page/microphone-figures.ts\`: \`npx vitest run --project node
test/lab-figures.test.ts -u\`.

## How the lab measures

The lab measures by listening. What goes into the lanes and what comes out of each are channels of one
\`Capture\`, so one clock times everything. Its samples go from the audio thread straight to a Worker. There, each
window of 200 ms of the source is searched for in every lane: a cross-correlation over two seconds by Fourier
transforms at about 3.7 kHz, then at the full rate around its best match. The lag is the latency. Aligned by it,
to less than a sample, source and output are compared for quality. The Worker uses a few percent of a core.

Whatever can be measured from the audio is measured, not reported by the lane. What a lane counts itself
(packets, bytes, concealment) has the same name and definition for all lanes: that of WebRTC's getStats, from
which WebRTC's own figures come.

Bytes on the wire are computed from the messages, because a page sees no headers. Where the engine reports what
a whole connection sent (calls, and data channels of Chromium), the two agree to within 4 %; the engine's figure
includes STUN, RTCP and the handshake. \`test/lab-lanes.test.ts\` holds them to that.

The lab does not measure devices: the microphone, the loudspeaker and their drivers add the same to every lane,
and no page can measure them. It shows what the engine reports of them ([the microphone](#the-microphone)). It
does not measure quality as people judge it: no standard measure (PESQ, POLQA, ViSQOL) can be bundled freely.
How well speech is understood is measured (STOI).`;

const ONE_LANE = `\
## One lane

The view *One lane* has readings of its own.

- **Chunk fills**: the duration of a chunk.
- **Resampler**, **Opus**: the look-ahead of the filter and of the encoder.
- **To the page**: from a chunk's last frame at the capture node, without the look-ahead, to the chunk in the
  page's script. By the context's clock as the page sees it, which moves by render quanta. Median of the last
  250.
- **Round trip**: from \`transport.send\` to the echo's event, by \`performance.now()\` on the main thread, so
  delays of the page itself count. Median of the last 250, and the 95th percentile.
- **Playout**: from a chunk's arrival on the page to its first frame at the playout node, by the context's clock
  and the playout's report of what it has played. Median of the last 50.
- **In all**: from a chunk's first frame at the capture node to the same frame at the playout node, by the
  context's clock. Median of the last 250, and the 95th percentile. It is measured by itself, so the parts,
  which are medians, need not add up to it.
- **On the wire**: bytes of the messages sent in the last 3 s, without the headers of WebSocket, TCP and IP. For
  Opus also the payload before Base64, and for comparison what 16-bit samples of that rate would need, which is
  computed.
- **Underruns**: how often the playout ran empty.
- **Dropped in capture**: frames that the page did not read in time, and frames for which the microphone had no
  device.
- **Dropped at the wire**: chunks that the transport refused because it was not connected, or because more than
  a second of audio was buffered.
- **Lost**: chunks that were sent and whose echo did not arrive, and messages that were not packets.

In some browsers the page's view of the context's clock lags by a few ms (7 ms in Firefox). There *To the page*
reads too little and *Playout* too much by the same amount. It cancels out in *In all*, which is computed from
the processors' own frame counts. Devices are not included: the browser's own estimate of its output is shown
beside the total. Chunks pass the simulated network once, on the way out, and come back directly. The server is
on the same machine, so a round trip over the network *Clean* is that of two processes and a loopback.`;

/** docs/lab-definitions.md, from what the lab itself shows. */
export function labDefinitionsPage(): string {
  const lanes = LANE_IDS.map((id) => {
    const { path, note } = LANES[id];
    return item(`- **\`${id}\`** (${path.join(' → ')}): ${note}`);
  });
  const figures = Object.entries<Metric>(METRICS).map(([id, metric]) => {
    const { label, unit, definition, webrtc } = metric;
    const from = webrtc === null ? '' : ` *WebRTC: ${webrtc}.*`;
    return item(
      `- **${label}** (\`${id}\`${unit === '' ? '' : `, ${unit}`}): ${definition}${from}`,
    );
  });
  const microphone = Object.values<MicrophoneFigure>(MICROPHONE_FIGURES).map(
    ({ label, unit, definition, from }) =>
      item(`- **${label}**${unit === '' ? '' : ` (${unit})`}: ${definition} *From: ${from}.*`),
  );
  return [
    HOW,
    '',
    '## Lanes',
    '',
    ...lanes,
    '',
    '## Figures',
    '',
    'Ratios are stored from 0 to 1.',
    '',
    ...figures,
    '',
    ONE_LANE,
    '',
    '## The microphone',
    '',
    ...microphone,
    '',
  ].join('\n');
}

/** An item of a list, in lines of at most `COLUMNS`. */
function item(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= COLUMNS) line = longer;
    else {
      lines.push(line);
      line = `  ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
