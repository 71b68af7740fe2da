import type { CSSResultGroup, PropertyValues, TemplateResult } from 'lit';
import { css, html } from 'lit';
import { property, state } from 'lit/decorators.js';
import { coverTo, markAt, stepOf } from './shared/bar-steps.ts';
import { define } from './shared/define.ts';
import { checkSource } from './shared/element-source.ts';
import type { MeterSource } from './shared/element-source.ts';
import { FrameLoop } from './shared/frame-loop.ts';
import { decibels, highest, tenths } from './shared/numbers.ts';
import { SourceMeter } from './shared/source-meter.ts';
import { bars, controls, theme } from './shared/theme.ts';
import { TypedElement } from './shared/typed-element.ts';

/** Lower end of the scale, in dBFS. */
const FLOOR_DBFS = -60;
const MARKS: readonly number[] = [-60, -40, -20, -10, 0];
const METERS = ['peak', 'rms'] as const;

/** Texts of {@link MicwireLevel}. */
export interface LevelLabels {
  /** Name of the meter. */
  readonly level: string;
  /** Value of the meter when there is no audio. */
  readonly silence: string;
  /** Sign of clipping. */
  readonly clip: string;
  /** Name of the sign while no sample is clipped. */
  readonly notClipped: string;
  /** Name of the sign while samples are clipped; the sign is then a button that resets it. */
  readonly clipped: (samples: number) => string;
}

const LABELS: LevelLabels = {
  level: 'Level',
  silence: 'silence',
  clip: 'Clip',
  notClipped: 'Clip: nothing is clipped',
  clipped: (samples) => `Clip: ${samples} samples at full scale. Press to reset.`,
};

/** Events of {@link MicwireLevel}. */
export interface LevelEventMap {
  /** The source cannot be metered, in `detail`: a `MicwireError`, or what `Meter.create` throws for a wrong property. */
  readonly error: CustomEvent<Error>;
}

/**
 * Shows the level of a source: one bar of RMS for each channel, the held peak, and a sign when samples clip.
 *
 * @tag micwire-level
 * @fires {CustomEvent<Error>} error - The source cannot be metered: `detail` is the `MicwireError`, or what `Meter.create`
 *   throws for a wrong property.
 * @csspart base - Everything.
 * @csspart meter - The bars and their scale, with the role `meter`.
 * @csspart bar - The bar of one channel.
 * @csspart scale - The scale.
 * @csspart value - The held peak as text.
 * @csspart clip - The button that shows clipping, and resets it.
 */
export class MicwireLevel extends TypedElement<LevelEventMap> {
  static override styles: CSSResultGroup = [
    theme,
    controls,
    bars,
    css`
      .base {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 6ch auto;
        gap: 0 0.625rem;
        align-items: start;
      }

      .bars {
        display: grid;
        gap: 3px;
        align-content: center;
        min-height: 1.5rem;
      }

      .bar {
        --_fill: linear-gradient(
          to right,
          var(--_accent) 0 70%,
          var(--_warn) 70% 90%,
          var(--_alert) 90%
        );
      }

      .value {
        line-height: 1.5rem;
        text-align: right;
        white-space: nowrap;
      }

      .clip {
        min-width: 3.25rem;
        min-height: max(1.5rem, calc(var(--_target) - 0.75rem));
        padding: 0 0.375rem;
        border-color: var(--_line);
        background: transparent;
        color: var(--_ink-soft);
        font-size: 0.8125rem;
        cursor: default;
      }

      .clip.clipped {
        border-color: var(--_alert);
        background: var(--_alert);
        color: var(--_on-accent);
        font-weight: 600;
        cursor: pointer;
      }

      @media (pointer: coarse) {
        .clip {
          min-height: 44px;
          min-width: 44px;
        }
      }

      @media (forced-colors: active) {
        .clip.clipped {
          background: Highlight;
          color: HighlightText;
          forced-color-adjust: none;
        }
      }
    `,
  ];

  /** Name of the meter for screen readers. If empty, `labels.level` is used. */
  @property() label = '';

  /** Maximum number of metered channels, 1–32. The element shows one bar for each channel that the source has had. */
  @property({ type: Number }) channels = 2;

  /** Texts in another language or wording; missing ones are English. */
  @property({ attribute: false }) labels: Partial<LevelLabels> = {};

  /**
   * The source to meter: an `AudioNode`, a `Microphone`, or a `Meter` with the meters `'peak'` and `'rms'`, which the app must
   * close itself. Throws a `TypeError` for any other value.
   */
  @property({ attribute: false })
  get source(): MeterSource | null {
    return this.#source;
  }
  set source(source: MeterSource | null) {
    this.#source = checkSource('micwire-level', source, METERS);
  }

  /** Number of bars that are shown. */
  @state() private bars = 1;
  @state() private rmsDbfs = -Infinity;
  @state() private heldPeakDbfs = -Infinity;
  /** Clipped samples since the sign was reset. */
  @state() private clips = 0;

  #source: MeterSource | null = null;
  readonly #meter = new SourceMeter(this, METERS);
  readonly #loop = new FrameLoop(this, { draw: () => this.#draw(), tell: () => this.#tell() });
  #covers: readonly HTMLElement[] = [];
  #peaks: readonly HTMLElement[] = [];
  /** Positions that are shown, per channel: levels, then peaks. */
  #shown: Int16Array = new Int16Array(0);
  /** Clipped samples when the sign was reset. */
  #clipsBefore = 0;

  /** Resets the clipping sign, as its button does. */
  resetClip(): void {
    this.#clipsBefore += this.clips;
    this.clips = 0;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('source') || changed.has('channels')) {
      this.bars = 1;
      this.clips = this.#clipsBefore = 0;
      this.#meter.follow(this.source, this.channels);
    }
    this.#loop.active = this.#meter.meter !== null;
    if (this.#meter.meter === null) this.rmsDbfs = this.heldPeakDbfs = -Infinity;
  }

  protected override render(): TemplateResult {
    const { rmsDbfs, heldPeakDbfs, clips } = this;
    const texts = { ...LABELS, ...this.labels };
    const now = Math.round(Math.max(FLOOR_DBFS, Math.min(0, rmsDbfs)));
    return html`<div class="base" part="base">
      <div
        part="meter"
        role="meter"
        aria-label=${this.label || texts.level}
        aria-valuemin=${FLOOR_DBFS}
        aria-valuemax="0"
        aria-valuenow=${now}
        aria-valuetext=${Number.isFinite(rmsDbfs) ? `${decibels(rmsDbfs)} dBFS` : texts.silence}
      >
        <div class="bars">
          ${Array.from(
            { length: this.bars },
            () =>
              html`<div class="bar" part="bar">
                <div class="cover"></div>
                <div class="mark"></div>
              </div>`,
          )}
        </div>
        <div class="scale" part="scale">
          ${MARKS.map(
            (dbfs) =>
              html`<span style="left: ${100 * (1 - dbfs / FLOOR_DBFS)}%"
                >${dbfs < 0 ? `−${-dbfs}` : '0'}</span
              >`,
          )}
        </div>
      </div>
      <span class="value number" part="value" aria-hidden="true">${decibels(heldPeakDbfs)}</span>
      <button
        class="clip ${clips > 0 ? 'clipped' : ''}"
        part="clip"
        type="button"
        tabindex=${clips > 0 ? 0 : -1}
        aria-disabled=${clips === 0}
        aria-label=${clips > 0 ? texts.clipped(clips) : texts.notClipped}
        @click=${() => this.resetClip()}
      >
        ${texts.clip}
      </button>
    </div>`;
  }

  protected override updated(): void {
    if (this.#covers.length !== this.bars) {
      this.#covers = [...this.renderRoot.querySelectorAll<HTMLElement>('.cover')];
      this.#peaks = [...this.renderRoot.querySelectorAll<HTMLElement>('.mark')];
      this.#shown = new Int16Array(2 * this.bars).fill(-1);
    }
    // The loop no longer draws once there is no meter.
    if (this.#meter.meter === null) this.#draw();
  }

  #draw(): void {
    const reading = this.#meter.running ? this.#meter.read() : null;
    const bars = this.#covers.length;
    for (let channel = 0; channel < bars; channel++) {
      const level = reading === null ? 0 : place(reading.rmsDbfs[channel]);
      if (this.#shown[channel] !== level) coverTo(this.#covers[channel]!, level);
      const peak = reading === null ? 0 : place(reading.heldPeakDbfs[channel]);
      if (this.#shown[bars + channel] !== peak) markAt(this.#peaks[channel]!, peak);
      this.#shown[channel] = level;
      this.#shown[bars + channel] = peak;
    }
    if (reading === null) return;
    if (reading.channels > bars) this.bars = reading.channels;
    // The sign lights up immediately.
    if (this.clips === 0) this.#countClips(reading.clips);
  }

  #tell(): void {
    const reading = this.#meter.running ? this.#meter.read() : null;
    this.rmsDbfs = reading === null ? -Infinity : tenths(highest(reading.rmsDbfs));
    this.heldPeakDbfs = reading === null ? -Infinity : tenths(highest(reading.heldPeakDbfs));
    if (reading !== null) this.#countClips(reading.clips);
  }

  #countClips(clips: Float64Array): void {
    let sum = 0;
    for (let channel = 0; channel < clips.length; channel++) sum += clips[channel]!;
    // The app may have reset its own meter.
    if (sum < this.#clipsBefore) this.#clipsBefore = 0;
    this.clips = sum - this.#clipsBefore;
  }
}

function place(dbfs: number | undefined): number {
  return stepOf(dbfs ?? -Infinity, FLOOR_DBFS, 0);
}

define('micwire-level', MicwireLevel);

declare global {
  interface HTMLElementTagNameMap {
    'micwire-level': MicwireLevel;
  }
}
