import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing, unsafeCSS } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { FrameLoop } from '../controllers/frame-loop.ts';
import type { LoudnessLevels } from '../controllers/loudness-monitor.ts';
import { LoudnessMonitor } from '../controllers/loudness-monitor.ts';
import { Ticker } from '../controllers/ticker.ts';
import { decibels } from '../page/format.ts';
import { LOUDNESS_HEIGHT, LOUDNESS_WIDTH, drawLoudness } from '../loudness/draw-loudness.ts';
import type { EbuScale, LoudnessUnit } from '../loudness/ebu-scale.ts';
import { EBU_SCALES, TARGET_LUFS, loudnessText } from '../loudness/ebu-scale.ts';
import { loudnessColumns, loudnessSpan } from '../loudness/loudness-columns.ts';
import { HISTORY_SECONDS } from '../loudness/loudness-history.ts';
import type { ScopeTheme } from '../scope/scope-theme.ts';
import { readTheme } from '../scope/scope-theme.ts';
import { controls } from '../styles/controls.ts';
import { toolPanel } from '../styles/tool-panel.ts';
import './lab-plot.ts';
import type { LabPlot, PlotSeries } from './lab-plot.ts';

/** Text changes twice a second at most (EBU Tech 3341 asks for I once a second or more). */
const TEXT_INTERVAL_MS = 500;
/** The history grows ten times a second. */
const PLOT_INTERVAL_MS = 100;
/** Of the history. */
const SERIES: readonly PlotSeries[] = [
  { label: 'M', colour: '--ink-soft', width: 1 },
  { label: 'S', colour: '--in', width: 2.5 },
  { label: 'Target', colour: '--line-strong', width: 1 },
  { label: 'I', colour: '--out', width: 1.75, dash: [5, 4] },
];
/** Until then LRA says little (EBU Tech 3342 §3). */
const STABLE_AFTER_SECONDS = 60;

/** A meter in "EBU Mode" (EBU Tech 3341) with true peak, PPM and VU, on one canvas; all figures are in text too. */
@customElement('lab-loudness')
export class LabLoudness extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    toolPanel,
    css`
      .choice label {
        min-height: 2rem;
      }
      button {
        min-height: calc(2rem + 2px);
      }
      .pictures {
        display: grid;
        grid-template-columns: ${unsafeCSS(LOUDNESS_WIDTH)}px minmax(0, 1fr);
        gap: 0.75rem;
      }
      canvas {
        display: block;
        width: 100%;
        height: ${unsafeCSS(LOUDNESS_HEIGHT)}px;
        border-radius: var(--radius);
        background: var(--sunken);
      }
      @media (max-width: 44rem) {
        .pictures {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  /** What goes in, and what comes out; null where nothing runs. */
  @property({ attribute: false }) input: AudioNode | null = null;
  @property({ attribute: false }) output: AudioNode | null = null;
  @state() private side: 'in' | 'out' = 'in';
  @state() private scale: EbuScale = '+9';
  @state() private unit: LoudnessUnit = 'LUFS';
  @query('canvas') private canvas!: HTMLCanvasElement;
  @query('lab-plot') private plot!: LabPlot;

  readonly #monitor = new LoudnessMonitor(this);
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  #theme: ScopeTheme | null = null;
  #span: readonly [number, number] = loudnessSpan('+9', 'LUFS');
  #plottedAt = -Infinity;

  constructor() {
    super();
    new FrameLoop(this, () => this.#draw());
    new Ticker(this, TEXT_INTERVAL_MS);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#dark.addEventListener('change', this.#forgetTheme);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#dark.removeEventListener('change', this.#forgetTheme);
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('scale') || changed.has('unit')) {
      this.#span = loudnessSpan(this.scale, this.unit);
    }
    this.#monitor.follow(this.side === 'in' ? this.input : this.output);
  }

  protected override render(): TemplateResult {
    const { unit } = this;
    const monitor = this.#monitor;
    const levels = monitor.read();
    return html`
      <section class="panel" aria-label="Loudness">
        <div class="head">
          <h2>Loudness</h2>
          ${this.#choice('Which side', this.side, { in: 'In', out: 'Out' }, (side) => {
            this.side = side;
          })}
          ${this.#choice('Unit', unit, { LUFS: 'LUFS', LU: 'LU' }, (chosen) => {
            this.unit = chosen;
          })}
          ${this.#choice('Scale', this.scale, { '+9': 'EBU +9', '+18': 'EBU +18' }, (scale) => {
            this.scale = scale;
          })}
          <button @click=${() => monitor.toggle()}>${monitor.paused ? 'Continue' : 'Pause'}</button>
          <button @click=${() => monitor.reset()}>Reset</button>
        </div>
        <div class="pictures">
          ${this.#meterFor(levels)}
          <lab-plot
            fixed
            .height=${LOUDNESS_HEIGHT}
            .seconds=${HISTORY_SECONDS}
            .series=${SERIES}
            .span=${this.#span}
            label=${`Loudness over the last ${HISTORY_SECONDS} seconds, in ${unit}: S, thin M, dashed I, the target a thin line`}
          ></lab-plot>
        </div>
        <p class="caption">
          S thick, M thin, I dashed, over the last ${HISTORY_SECONDS} s; 0 LU is
          ${String(TARGET_LUFS).replace('-', '−')} LUFS.
        </p>
        <dl>
          ${figure('Momentary', text(levels?.momentaryLufs, unit), unit)}
          ${figure('Short-term', text(levels?.shortTermLufs, unit), unit)}
          ${figure('Integrated', text(levels?.integratedLufs, unit), unit, pausedNote(levels))}
          ${figure('Range', (levels?.loudnessRangeLu ?? 0).toFixed(1), 'LU', unstableNote(levels))}
          ${figure('Max momentary', text(levels?.maxMomentaryLufs, unit), unit)}
          ${figure('Max short-term', text(levels?.maxShortTermLufs, unit), unit)}
          ${figure('Max true peak', decibels(highest(levels?.maxTruePeakDbtp)), 'dBTP')}
          ${figure('PPM', decibels(highest(levels?.ppmScale)), 'dB, type IIb')}
          ${figure('VU', decibels(highest(levels?.vu)), 'VU')}
        </dl>
      </section>
    `;
  }

  #meterFor(levels: LoudnessLevels | null): TemplateResult {
    const { low, high } = EBU_SCALES[this.scale];
    const zero = this.unit === 'LUFS' ? TARGET_LUFS : 0;
    const lufs = levels?.shortTermLufs ?? -Infinity;
    const now = Math.max(low, Math.min(high, lufs - TARGET_LUFS)) + zero;
    const spoken = Number.isFinite(lufs)
      ? `${loudnessText(lufs, this.unit)} ${this.unit}`
      : 'silence';
    return html`<canvas
      role="meter"
      aria-label="Short-term loudness"
      aria-valuemin=${low + zero}
      aria-valuemax=${high + zero}
      aria-valuenow=${now.toFixed(1)}
      aria-valuetext=${spoken}
    ></canvas>`;
  }

  #choice<Value extends string>(
    name: string,
    chosen: Value,
    labels: Readonly<Record<Value, string>>,
    choose: (value: Value) => void,
  ): TemplateResult {
    const values = Object.keys(labels) as Value[];
    return html`<fieldset class="choice" aria-label=${name}>
      ${values.map(
        (value) =>
          html`<label
            ><input
              type="radio"
              name=${name}
              .checked=${value === chosen}
              @change=${() => choose(value)}
            />${labels[value]}</label
          >`,
      )}
    </fieldset>`;
  }

  readonly #forgetTheme = (): void => {
    this.#theme = null;
  };

  #draw(): void {
    const { canvas, scale, unit } = this;
    const monitor = this.#monitor;
    const pen = canvas?.getContext('2d');
    const width = canvas?.clientWidth ?? 0;
    if (!pen || width === 0) return;
    this.#theme ??= readTheme(this);
    const ratio = devicePixelRatio;
    const [wide, high] = [Math.round(width * ratio), Math.round(LOUDNESS_HEIGHT * ratio)];
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide;
      canvas.height = high;
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const levels = monitor.read();
    drawLoudness(pen, width, { levels, scale, unit }, this.#theme);
    const now = performance.now();
    if (now - this.#plottedAt < PLOT_INTERVAL_MS) return;
    this.#plottedAt = now;
    const integrated = levels?.integratedLufs ?? -Infinity;
    this.plot.data = loudnessColumns(monitor.history, integrated, scale, unit);
  }
}

function figure(name: string, value: string, unit: string, note = ''): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd>
      <span class="number">${value}</span> <span class="caption">${unit}</span>
      ${note === '' ? nothing : html`<span class="caption">${note}</span>`}
    </dd>
  </div>`;
}

function text(lufs: number | undefined, unit: LoudnessUnit): string {
  return loudnessText(lufs ?? -Infinity, unit);
}

function highest(values: Float64Array | undefined): number {
  return values === undefined ? -Infinity : Math.max(...values);
}

function pausedNote(levels: LoudnessLevels | null): string {
  return levels?.measuring === 0 ? 'paused' : '';
}

function unstableNote(levels: LoudnessLevels | null): string {
  return (levels?.measuredSeconds ?? 0) < STABLE_AFTER_SECONDS ? 'unstable' : '';
}
