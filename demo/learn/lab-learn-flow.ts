import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { FrameLoop } from '../controllers/frame-loop.ts';
import { count } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import type { FlowFate, FlowPacket, FlowSettings, FlowSound } from './packet-flow.ts';
import { FLOW_PACKET_MS, PacketFlow } from './packet-flow.ts';
import { learnPageStyles } from './page-styles.ts';
import { slider } from './slider.ts';
import { figure } from './figure.ts';

const SEED = 1;
/** How many times slower than real time. */
const SLOWER = 10;
/** An animation frame later than this, in ms, does not make the flow jump. */
const LONGEST_FRAME_MS = 600;
/** Rows that packets travel in, so that neighbours do not cover each other. */
const ROWS = 8;
/** The table's. */
const LISTED = 12;
/** Length of the tape of what is heard, ms. */
const TAPE_MS = 600;

/** Positions in the picture, in its own units. */
const WIDTH = 640;
const TOP = 34;
const ROW_HEIGHT = 22;
const HEIGHT = TOP + ROWS * ROW_HEIGHT;
const NETWORK = { from: 60, to: 330 } as const;
const BUFFER = { from: 360, to: 545 } as const;
const PLAYER = { from: 575, to: 630 } as const;
/** How far apart packets lie in the buffer. */
const BUFFER_STEP = 16;

const FATES: Readonly<Record<FlowFate, string>> = {
  travelling: 'on the network',
  lost: 'lost',
  waiting: 'in the jitter buffer',
  played: 'played',
  late: 'too late',
};

/** Packets on their way from the sender to the ear, one dot each. */
@customElement('lab-learn-flow')
export class LabLearnFlow extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    css`
      svg {
        display: block;
        width: 100%;
        height: auto;
        border-radius: 4px;
        background: var(--sunken);
      }
      .place {
        fill: var(--panel);
        stroke: var(--line);
      }
      text {
        fill: var(--ink-soft);
        font: 13px var(--font);
      }
      .dot {
        stroke: var(--panel);
        stroke-width: 1;
      }
      .travelling,
      .waiting {
        fill: var(--in);
      }
      .played {
        fill: var(--out);
      }
      .lost,
      .late {
        fill: none;
        stroke: var(--alert);
        stroke-width: 3;
      }
      .tape {
        height: 2.25rem;
        border-radius: 4px;
      }
      .tape .played {
        fill: var(--out);
        stroke: var(--panel);
        stroke-width: 1.5;
        vector-effect: non-scaling-stroke;
      }
      .tape .concealed {
        fill: var(--alert);
        fill-opacity: 0.4;
      }
      .axis,
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1.25rem;
        justify-content: space-between;
      }
      .legend {
        justify-content: start;
      }
      .legend svg {
        display: inline-block;
        width: 1rem;
        height: 1rem;
        margin-right: 0.35rem;
        background: none;
        vertical-align: -0.15rem;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
      .big {
        font-size: 1.375rem;
      }
      .figures > div {
        min-width: 5.5rem;
      }
      /* The picture is half as large there, and its words are not. */
      @media (max-width: 44rem) {
        text {
          font-size: 24px;
        }
      }
    `,
  ];

  @property({ attribute: false }) settings: FlowSettings = { lossRatio: 0.05, jitterMs: 60 };
  @state() private moving = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  /** Public for tests. */
  flow: PacketFlow = new PacketFlow(SEED, this.settings);
  #drawnAt: number | null = null;

  constructor() {
    super();
    new FrameLoop(this, () => this.#frame());
  }

  protected override willUpdate(): void {
    this.flow.settings = this.settings;
  }

  protected override render(): TemplateResult {
    const { counts, targetMs, nowMs } = this.flow;
    const heardMs = counts.playedMs + counts.concealedMs;
    return html`<section class="panel" aria-labelledby="flow">
      <div class="head">
        <h3 id="flow">Packet flow</h3>
        <div class="buttons">
          <button type="button" @click=${this.#toggle}>${this.moving ? 'Pause' : 'Play'}</button>
          <button type="button" @click=${this.#next}>Next 20 ms</button>
          <button type="button" @click=${this.#restart}>Restart</button>
        </div>
      </div>
      <p class="prose">
        Every 20 ms a packet leaves. The network loses some and delays others, so that they overtake
        each other. The jitter buffer puts them in order and waits just long enough; what is missing
        when its time comes is concealed. The same code does it as in micwire’s receiver. It runs
        ${SLOWER} times slower than real time, and with the same seed each time.
      </p>
      <div class="controls">
        ${slider('loss', 'Loss', `${Math.round(this.settings.lossRatio * 100)} %`, 30, Math.round(this.settings.lossRatio * 100), (value) => this.#change({ lossRatio: value / 100 }))}
        ${slider('jitter', 'Jitter', `up to ${this.settings.jitterMs} ms`, 200, this.settings.jitterMs, (value) => this.#change({ jitterMs: value }))}
      </div>
      <div>${this.#picture()}</div>
      <div>
        ${this.#tape()}
        <div class="axis caption"><span>heard ${TAPE_MS} ms ago</span><span>now</span></div>
      </div>
      <p class="caption legend">
        ${legend(svg`<circle class="dot travelling" cx="8" cy="8" r="6" />`, 'under way, or waiting')}
        ${legend(svg`<rect class="dot played" x="2" y="2" width="12" height="12" />`, 'played')}
        ${legend(svg`<path class="lost" d="M3 3l10 10M13 3l-10 10" />`, 'lost')}
        ${legend(svg`<path class="late" d="M8 2l6 6-6 6-6-6z" />`, 'too late')}
        ${legend(svg`<rect x="2" y="2" width="12" height="12" .style=${'fill: var(--alert); fill-opacity: 0.4'} />`, 'concealed')}
      </p>
      <dl class="figures">
        ${figure('Time', `${(nowMs / 1000).toFixed(2)} s`)} ${figure('Sent', count(counts.sent))}
        ${figure('Lost', count(counts.lost))} ${figure('Overtaken', count(counts.reordered))}
        ${figure('Too late', count(counts.late))}
        ${figure('Concealed', `${heardMs === 0 ? '0.0' : ((100 * counts.concealedMs) / heardMs).toFixed(1)} %`)}
        ${figure('Target delay', `${targetMs.toFixed(0)} ms`)}
      </dl>
      <details>
        <summary>The last ${LISTED} packets in words</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Packet</th>
              <th scope="col">Sent</th>
              <th scope="col">Under way</th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            ${this.flow.packets.slice(-LISTED).map(packetRow)}
          </tbody>
        </table>
      </details>
    </section>`;
  }

  #picture(): TemplateResult {
    return html`<svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      role="img"
      aria-label="Packets on the network, in the jitter buffer and being played"
    >
      ${place('Network', NETWORK)} ${place('Jitter buffer', BUFFER)} ${place('Play', PLAYER)}
      <text x="2" y="22">Send</text>
      ${this.flow.packets.map((packet) => this.#dot(packet))}
    </svg>`;
  }

  #dot(packet: FlowPacket): TemplateResult | '' {
    const { nowMs, nextSequence } = this.flow;
    const { sequence, sentMs, arrivesMs, fate, heardMs } = packet;
    const y = TOP + ((sequence % ROWS) + 0.5) * ROW_HEIGHT;
    const age = nowMs - sentMs;
    switch (fate) {
      case 'travelling': {
        const part = age / (arrivesMs! - sentMs);
        return svg`<circle class="dot travelling" cx=${NETWORK.from + part * (NETWORK.to - NETWORK.from)} cy=${y} r="8" />`;
      }
      case 'lost': {
        // It travels half the distance, and remains there for a while.
        if (age > 160) return '';
        const x = NETWORK.from + (Math.min(age, 40) / 40) * 0.5 * (NETWORK.to - NETWORK.from);
        return svg`<path class="lost" d="M${x - 6} ${y - 6}l12 12m0 -12l-12 12" />`;
      }
      case 'waiting': {
        const place = Math.max(0, sequence - nextSequence);
        const x = Math.max(BUFFER.from + 10, BUFFER.to - 12 - place * BUFFER_STEP);
        return svg`<circle class="dot waiting" cx=${x} cy=${y} r="8" />`;
      }
      case 'played': {
        const part = (nowMs - heardMs!) / FLOW_PACKET_MS;
        if (part > 1) return '';
        const x = PLAYER.from + 4 + Math.max(0, part) * (PLAYER.to - PLAYER.from - 24);
        return svg`<rect class="dot played" x=${x} y=${y - 8} width="16" height="16" />`;
      }
      case 'late': {
        if (nowMs - arrivesMs! > 120) return '';
        return svg`<path class="late" d="M${NETWORK.to + 15} ${y - 8}l8 8-8 8-8-8z" />`;
      }
    }
  }

  #tape(): TemplateResult {
    const { sounds, nowMs } = this.flow;
    const x = (ms: number): number => (WIDTH * (ms - nowMs + TAPE_MS)) / TAPE_MS;
    const shown = sounds.filter(({ kind, toMs }) => kind !== 'silence' && toMs > nowMs - TAPE_MS);
    return html`<svg
      class="tape"
      viewBox="0 0 ${WIDTH} 36"
      preserveAspectRatio="none"
      role="img"
      aria-label="What is heard: played packets and concealed gaps"
    >
      ${shown.map((sound) => soundBox(sound, x))}
    </svg>`;
  }

  #change(changes: Partial<FlowSettings>): void {
    const detail = { ...this.settings, ...changes };
    this.dispatchEvent(new CustomEvent('learn-flow', { detail }));
  }

  #frame(): void {
    const now = performance.now();
    const passed = Math.min(LONGEST_FRAME_MS, now - (this.#drawnAt ?? now));
    this.#drawnAt = now;
    if (!this.moving) return;
    this.flow.advance(this.flow.nowMs + passed / SLOWER);
    this.requestUpdate();
  }

  readonly #toggle = (): void => {
    this.moving = !this.moving;
  };

  readonly #next = (): void => {
    this.moving = false;
    this.flow.advance(this.flow.nowMs + FLOW_PACKET_MS);
    this.requestUpdate();
  };

  readonly #restart = (): void => {
    this.flow = new PacketFlow(SEED, this.settings);
    this.requestUpdate();
  };
}

function place(label: string, { from, to }: { readonly from: number; readonly to: number }) {
  return svg`<rect class="place" x=${from} y=${TOP - 4} width=${to - from} height=${HEIGHT - TOP} rx="4" />
    <text x=${(from + to) / 2} y="22" text-anchor="middle">${label}</text>`;
}

function soundBox({ kind, fromMs, toMs }: FlowSound, x: (ms: number) => number): TemplateResult {
  const [y, height] = kind === 'played' ? [2, 32] : [11, 14];
  return svg`<rect class=${kind} x=${x(fromMs)} y=${y} width=${Math.max(0, x(toMs) - x(fromMs))} height=${height} />`;
}

function packetRow({ sequence, sentMs, arrivesMs, fate }: FlowPacket): TemplateResult {
  return html`<tr>
    <th scope="row" class="number">${sequence}</th>
    <td class="number">${sentMs.toFixed(0)} ms</td>
    <td class="number">${arrivesMs === null ? '–' : `${(arrivesMs - sentMs).toFixed(0)} ms`}</td>
    <td>${FATES[fate]}</td>
  </tr>`;
}

function legend(sign: TemplateResult, words: string): TemplateResult {
  return html`<span><svg viewBox="0 0 16 16" aria-hidden="true">${sign}</svg>${words}</span>`;
}
