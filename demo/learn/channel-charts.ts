import type { TemplateResult } from 'lit';
import { html, svg } from 'lit';
import { bytes, count } from '../page/format.ts';
import type { BurstLog } from './burst-log.ts';
import { BURST_BYTES, LOW_BYTES } from './burst-log.ts';
import type { PingLog } from '../measure/ping-log.ts';
import { KEPT_MS, isMissing } from '../measure/ping-log.ts';

/** Positions in the pictures, in their own units. */
const WIDTH = 400;
const HEIGHT = 190;
const LEFT = 8;
const TOP = 26;
const BOTTOM = 20;
const PLOT = HEIGHT - TOP - BOTTOM;

/** A round number of ms that all pings of both channels fit below. */
export function pingScale(logs: readonly PingLog[]): number {
  const worst = Math.max(...logs.map(({ times }) => times?.worstMs ?? 0));
  return [100, 200, 400, 800, 1600, 3200].find((scale) => worst <= scale) ?? 6400;
}

/** Round trips over the last seconds: a dot for each ping, and a cross for one that is missing. */
export function pingChart(
  log: PingLog,
  label: string,
  nowMs: number,
  scaleMs: number,
): TemplateResult {
  const x = (ms: number): number => WIDTH - ((WIDTH - LEFT) * (nowMs - ms)) / KEPT_MS;
  const y = (ms: number): number => TOP + PLOT * (1 - Math.min(1, ms / scaleMs));
  return html`<svg
    class="chart"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    role="img"
    aria-label="Round trips of the ${label} over the last ${KEPT_MS / 1000} s"
  >
    <line class="grid" x1="0" x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
    <line class="grid" x1="0" x2=${WIDTH} y1=${y(scaleMs / 2)} y2=${y(scaleMs / 2)} />
    <line class="grid" x1="0" x2=${WIDTH} y1=${y(scaleMs)} y2=${y(scaleMs)} />
    <text x="2" y=${y(scaleMs) - 5}>${count(scaleMs)} ms</text>
    <text x="2" y=${y(scaleMs / 2) - 5}>${count(scaleMs / 2)} ms</text>
    ${log.pings.map((ping) => {
      const at = x(ping.sentMs);
      if (ping.roundTripMs !== null) {
        return svg`<circle class="dot" cx=${at} cy=${y(ping.roundTripMs)} r="2.5" />`;
      }
      if (!isMissing(ping, nowMs)) return '';
      return svg`<path class="cross" d="M${at - 4} ${y(0) + 4}l8 8m0-8l-8 8" />`;
    })}
  </svg>`;
}

/** What is buffered, and what has arrived, while a burst is sent. */
export function burstChart(log: BurstLog): TemplateResult {
  const { samples, lowMs, doneMs } = log;
  const endMs = Math.max(500, doneMs ?? samples.at(-1)?.atMs ?? 0);
  const x = (ms: number): number => (WIDTH * Math.min(ms, endMs)) / endMs;
  const y = (amount: number): number => TOP + PLOT * (1 - amount / BURST_BYTES);
  const line = (value: 'buffered' | 'received'): string =>
    samples
      .map((sample) => `${x(sample.atMs).toFixed(1)} ${y(sample[value]).toFixed(1)}`)
      .join('L');
  return html`<svg
    class="chart alone"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    role="img"
    aria-label="What was buffered, and what had arrived, over ${count(endMs)} ms"
  >
    <line class="grid" x1="0" x2=${WIDTH} y1=${y(0)} y2=${y(0)} />
    <line class="low" x1="0" x2=${WIDTH} y1=${y(LOW_BYTES)} y2=${y(LOW_BYTES)} />
    <line class="grid" x1="0" x2=${WIDTH} y1=${y(BURST_BYTES)} y2=${y(BURST_BYTES)} />
    <text x="2" y=${y(BURST_BYTES) - 5}>${bytes(BURST_BYTES)}</text>
    <path class="buffered" d="M${line('buffered')}" />
    <path class="received" d="M${line('received')}" />
    ${lowMs.map((ms) => svg`<path class="event" d="M${x(ms)} ${y(0) + 2}l4 8h-8z" />`)}
  </svg>`;
}
