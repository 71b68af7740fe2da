import type { CSSResultGroup, PropertyValues, TemplateResult } from 'lit';
import { css, html, nothing } from 'lit';
import { property, state } from 'lit/decorators.js';
import { numberIn, oneOf } from '../core/arguments.ts';
import type { MeterReading } from '../core/metering/meter-table.ts';
import { coverTo, markAt, stepOf } from './shared/bar-steps.ts';
import { define } from './shared/define.ts';
import { checkSource } from './shared/element-source.ts';
import type { MeterSource } from './shared/element-source.ts';
import { FrameLoop } from './shared/frame-loop.ts';
import { decibels, highest } from './shared/numbers.ts';
import { SourceMeter } from './shared/source-meter.ts';
import { bars, controls, theme } from './shared/theme.ts';
import { TypedElement } from './shared/typed-element.ts';

const METERS = ['truePeak', 'loudness'] as const;
type Levels = MeterReading<(typeof METERS)[number]>;

/** The scales of a meter in "EBU Mode" (EBU Tech 3341 §2.7): to +9 LU, the default, or to +18 LU above the target. */
export type LoudnessScale = '+9' | '+18';
/** Unit of loudness: absolute (LUFS), or relative to the target (LU). */
export type LoudnessUnit = 'LUFS' | 'LU';

const SCALES: Readonly<
  Record<LoudnessScale, { readonly low: number; readonly high: number; readonly step: number }>
> = {
  '+9': { low: -18, high: 9, step: 9 },
  '+18': { low: -36, high: 18, step: 18 },
};
const SCALE_NAMES: readonly LoudnessScale[] = ['+9', '+18'];
const UNITS: readonly LoudnessUnit[] = ['LUFS', 'LU'];
/** Target level of EBU R 128. */
const TARGET_LUFS = -23;
/** Time until LRA is meaningful, in seconds (EBU Tech 3342 §3). */
const STABLE_AFTER_SECONDS = 60;

/** Texts of {@link MicwireLoudness}. */
export interface LoudnessLabels {
  /** Name of the element. */
  readonly loudness: string;
  readonly momentary: string;
  readonly shortTerm: string;
  readonly integrated: string;
  readonly range: string;
  readonly maxTruePeak: string;
  readonly unit: string;
  readonly scale: string;
  readonly pause: string;
  readonly resume: string;
  readonly reset: string;
  readonly silence: string;
  /** Note that the measurement of integrated loudness is paused. */
  readonly paused: string;
  /** Note that the loudness range was measured for too short a time. */
  readonly unstable: string;
}

const LABELS: LoudnessLabels = {
  loudness: 'Loudness',
  momentary: 'Momentary',
  shortTerm: 'Short-term',
  integrated: 'Integrated',
  range: 'Range',
  maxTruePeak: 'Max true peak',
  unit: 'Unit',
  scale: 'Scale',
  pause: 'Pause',
  resume: 'Continue',
  reset: 'Reset',
  silence: 'silence',
  paused: 'paused',
  unstable: 'unstable',
};

/** Events of {@link MicwireLoudness}. */
export interface LoudnessEventMap {
  /** The source cannot be metered, in `detail`. */
  readonly error: CustomEvent<Error>;
}

/**
 * A loudness meter in "EBU Mode" (EBU Tech 3341): momentary, short-term and integrated loudness, loudness range, and the
 * highest true peak.
 *
 * @tag micwire-loudness
 * @fires {CustomEvent<Error>} error - The source cannot be metered: `detail` is the `MicwireError`, or what `Meter.create`
 *   throws for a wrong property.
 * @csspart base - The panel.
 * @csspart controls - The choices of unit and scale, and the buttons.
 * @csspart pause - The button that pauses and continues the measurement.
 * @csspart reset - The button that restarts it.
 * @csspart bar - The bar of M, and the bar of S.
 * @csspart scale - The scale.
 * @csspart figures - The list of figures.
 */
export class MicwireLoudness extends TypedElement<LoudnessEventMap> {
  static override styles: CSSResultGroup = [
    theme,
    controls,
    bars,
    css`
      .panel {
        display: grid;
        gap: 0.875rem;
      }

      .controls {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
        align-items: center;
      }

      .controls .name {
        flex: 1 1 auto;
        font-weight: 600;
      }

      fieldset {
        display: flex;
        margin: 0;
        padding: 0;
        border: 1px solid var(--_line-strong);
        border-radius: var(--_radius);
      }

      fieldset label {
        position: relative;
        display: grid;
        place-items: center;
        min-width: 3.25rem;
        min-height: calc(var(--_target) - 2px);
        padding: 0 0.625rem;
        cursor: pointer;
      }

      fieldset label + label {
        border-inline-start: 1px solid var(--_line-strong);
      }

      fieldset label:first-child {
        border-start-start-radius: calc(var(--_radius) - 1px);
        border-end-start-radius: calc(var(--_radius) - 1px);
      }

      fieldset label:last-child {
        border-start-end-radius: calc(var(--_radius) - 1px);
        border-end-end-radius: calc(var(--_radius) - 1px);
      }

      fieldset input {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        margin: 0;
        opacity: 0;
        cursor: pointer;
      }

      fieldset label:has(:checked) {
        background: var(--_ink);
        color: var(--_ground);
      }

      fieldset label:has(:focus-visible) {
        outline: 2px solid var(--_focus);
        outline-offset: 2px;
      }

      .bars {
        display: grid;
        grid-template-columns: 1.25rem minmax(0, 1fr);
        gap: 0.375rem 0.5rem;
        align-items: center;
      }

      .bar {
        --_fill: linear-gradient(to right, var(--_accent) 66.67%, var(--_warn) 66.67%);
        height: 1.125rem;
      }

      /* The target, two thirds up on both scales. */
      .bar::after {
        position: absolute;
        inset: 0 auto 0 calc(66.67% - 1px);
        width: 2px;
        background: var(--_ink-soft);
        content: '';
      }

      .mark::before {
        inset: 0 auto 0 -4px;
        width: 4px;
      }

      .scale {
        grid-column: 2;
        margin-top: -0.375rem;
      }

      dl {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr));
        gap: 0.75rem 1rem;
        margin: 0;
      }

      dt {
        color: var(--_ink-soft);
        font-size: 0.8125rem;
      }

      dd {
        margin: 0;
        white-space: nowrap;
      }

      dd .number {
        font-size: 1.25rem;
      }

      .integrated .number {
        font-weight: 700;
      }

      @media (forced-colors: active) {
        fieldset label:has(:checked) {
          background: Highlight;
          color: HighlightText;
          forced-color-adjust: none;
        }
      }
    `,
  ];

  /** Name for screen readers and the heading. If empty, `labels.loudness` is used. */
  @property() label = '';

  /** Texts in another language or wording; missing ones are English. */
  @property({ attribute: false }) labels: Partial<LoudnessLabels> = {};

  /** Maximum number of metered channels, 1–32. */
  @property({ type: Number }) channels = 2;

  /** The scale: `'+9'` or `'+18'`. The user can change it too. Throws a `TypeError` for any other value. */
  @property()
  get scale(): LoudnessScale {
    return this.#scale;
  }
  set scale(scale: LoudnessScale) {
    this.#scale = oneOf('micwire-loudness.scale', scale, SCALE_NAMES);
  }

  /** The unit: `'LUFS'` or `'LU'`. The user can change it too. Throws a `TypeError` for any other value. */
  @property()
  get unit(): LoudnessUnit {
    return this.#unit;
  }
  set unit(unit: LoudnessUnit) {
    this.#unit = oneOf('micwire-loudness.unit', unit, UNITS);
  }

  /** The loudness that corresponds to 0 LU, in LUFS, −70 to 0. Throws a `RangeError` for any other value. */
  @property({ type: Number })
  get target(): number {
    return this.#target;
  }
  set target(target: number) {
    this.#target = numberIn('micwire-loudness.target', target, -70, 0);
  }

  /**
   * The source to meter: an `AudioNode`, a `Microphone`, or a `Meter` with the meters `'truePeak'` and `'loudness'`, which the app
   * must close itself. Throws a `TypeError` for any other value.
   */
  @property({ attribute: false })
  get source(): MeterSource | null {
    return this.#source;
  }
  set source(source: MeterSource | null) {
    this.#source = checkSource('micwire-loudness', source, METERS);
  }

  @state() private paused = false;

  #scale: LoudnessScale = '+9';
  #unit: LoudnessUnit = 'LUFS';
  #target = TARGET_LUFS;
  #source: MeterSource | null = null;
  readonly #meter = new SourceMeter(this, METERS);
  readonly #loop = new FrameLoop(this, { draw: () => this.#draw(), tell: () => this.#tell() });
  #covers: readonly HTMLElement[] = [];
  #marks: readonly HTMLElement[] = [];

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('source') || changed.has('channels')) {
      this.paused = false;
      this.#meter.follow(this.source, this.channels);
    }
    this.#loop.active = this.#meter.meter !== null;
  }

  protected override render(): TemplateResult {
    const texts = { ...LABELS, ...this.labels };
    const levels = this.#meter.read();
    const { unit } = this;
    const idle = this.#meter.meter === null;
    return html`<section class="panel" part="base" aria-label=${this.label || texts.loudness}>
      <div class="controls" part="controls">
        <span class="name">${this.label || texts.loudness}</span>
        ${this.#choice(texts.unit, UNITS, unit, (chosen) => (this.unit = chosen))}
        ${this.#choice(texts.scale, SCALE_NAMES, this.scale, (chosen) => (this.scale = chosen))}
        <button type="button" part="pause" ?disabled=${idle} @click=${this.#togglePause}>
          ${this.paused ? texts.resume : texts.pause}
        </button>
        <button type="button" part="reset" ?disabled=${idle} @click=${this.#reset}>
          ${texts.reset}
        </button>
      </div>
      <div class="bars">
        ${this.#bar('M', texts.momentary, levels?.momentaryLufs, texts)}
        ${this.#bar('S', texts.shortTerm, levels?.shortTermLufs, texts)}
        <div class="scale" part="scale" aria-hidden="true">${this.#ticks()}</div>
      </div>
      <dl part="figures">
        ${figure(texts.momentary, this.#text(levels?.momentaryLufs), unit)}
        ${figure(texts.shortTerm, this.#text(levels?.shortTermLufs), unit)}
        ${figure(
          texts.integrated,
          this.#text(levels?.integratedLufs),
          unit,
          this.paused ? texts.paused : '',
          'integrated',
        )}
        ${figure(
          texts.range,
          (levels?.loudnessRangeLu ?? 0).toFixed(1),
          'LU',
          (levels?.measuredSeconds ?? 0) < STABLE_AFTER_SECONDS ? texts.unstable : '',
        )}
        ${figure(texts.maxTruePeak, decibels(peakOf(levels)), 'dBTP')}
      </dl>
    </section>`;
  }

  protected override updated(): void {
    this.#covers = [...this.renderRoot.querySelectorAll<HTMLElement>('.cover')];
    this.#marks = [...this.renderRoot.querySelectorAll<HTMLElement>('.mark')];
    this.#draw();
  }

  #choice<Value extends string>(
    name: string,
    values: readonly Value[],
    chosen: Value,
    choose: (value: Value) => void,
  ): TemplateResult {
    return html`<fieldset aria-label=${name}>
      ${values.map(
        (value) =>
          html`<label
            ><input
              type="radio"
              name=${name}
              .checked=${value === chosen}
              @change=${() => choose(value)}
            />${value}</label
          >`,
      )}
    </fieldset>`;
  }

  #bar(
    sign: string,
    name: string,
    lufs: number | undefined,
    texts: LoudnessLabels,
  ): TemplateResult {
    const { low, high } = SCALES[this.scale];
    const zero = this.unit === 'LUFS' ? this.target : 0;
    const level = lufs ?? -Infinity;
    const now = Math.max(low, Math.min(high, level - this.target)) + zero;
    return html`<span class="number" aria-hidden="true">${sign}</span>
      <div
        class="bar"
        part="bar"
        role="meter"
        aria-label=${name}
        aria-valuemin=${low + zero}
        aria-valuemax=${high + zero}
        aria-valuenow=${now.toFixed(1)}
        aria-valuetext=${Number.isFinite(level) ? `${this.#text(level)} ${this.unit}` : texts.silence}
      >
        <div class="cover"></div>
        <div class="mark"></div>
      </div>`;
  }

  #ticks(): readonly TemplateResult[] {
    const { low, high, step } = SCALES[this.scale];
    const ticks: TemplateResult[] = [];
    for (let lu = low; lu <= high; lu += step) {
      const at = (100 * (lu - low)) / (high - low);
      const text = this.unit === 'LU' ? signed(lu, String(Math.abs(lu))) : this.#tick(lu);
      ticks.push(html`<span style="left: ${at}%">${text}</span>`);
    }
    return ticks;
  }

  #tick(lu: number): string {
    const lufs = this.target + lu;
    return `${lufs < 0 ? '−' : ''}${Math.abs(lufs)}`;
  }

  /** Formats a loudness in the current unit. */
  #text(lufs = -Infinity): string {
    if (this.unit === 'LUFS') return decibels(lufs);
    const lu = lufs - this.target;
    const text = decibels(lu);
    return text === '0.0' ? text : signed(lu, text.replace('−', ''));
  }

  #draw(): void {
    const levels = this.#meter.read();
    const { low, high } = SCALES[this.#scale];
    const [floor, top] = this.#meter.running ? [this.#target + low, this.#target + high] : [0, 1];
    for (let i = 0; i < this.#covers.length; i++) {
      const lufs = i === 0 ? levels?.momentaryLufs : levels?.shortTermLufs;
      coverTo(this.#covers[i]!, stepOf(lufs ?? -Infinity, floor, top));
      markAt(this.#marks[i]!, stepOf(levels?.integratedLufs ?? -Infinity, floor, top));
    }
  }

  #tell(): void {
    const levels = this.#meter.read();
    // This includes a meter that the app itself has paused.
    if (levels !== null) this.paused = levels.measuring === 0;
    this.requestUpdate();
  }

  readonly #togglePause = (): void => {
    const meter = this.#meter.meter;
    if (meter === null) return;
    const done = this.paused ? meter.resume() : meter.pause();
    this.paused = !this.paused;
    // A meter of the app may be closed.
    done.catch(() => {});
  };

  readonly #reset = (): void => {
    try {
      this.#meter.meter?.reset();
    } catch {
      // The app's meter may be closed.
    }
  };
}

function figure(name: string, value: string, unit: string, note = '', kind = ''): TemplateResult {
  return html`<div class=${kind}>
    <dt>${name}</dt>
    <dd>
      <span class="number">${value}</span> <span class="soft">${unit}</span>
      ${note === '' ? nothing : html`<span class="soft">${note}</span>`}
    </dd>
  </div>`;
}

function signed(value: number, size: string): string {
  if (value === 0) return size;
  return `${value < 0 ? '−' : '+'}${size}`;
}

function peakOf(levels: Levels | null): number {
  return levels === null ? -Infinity : highest(levels.maxTruePeakDbtp);
}

define('micwire-loudness', MicwireLoudness);

declare global {
  interface HTMLElementTagNameMap {
    'micwire-loudness': MicwireLoudness;
  }
}
