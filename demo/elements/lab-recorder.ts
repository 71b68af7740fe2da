import type { RecorderContainer } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Source } from '../audio/source.ts';
import { RECORDING_BITRATE, Recording } from '../controllers/recording.ts';
import { Ticker } from '../controllers/ticker.ts';
import { bytes, decibels } from '../page/format.ts';
import { METER_FLOOR_DBFS } from '../scope/draw-meter.ts';
import { controls } from '../styles/controls.ts';
import { toolPanel } from '../styles/tool-panel.ts';

const TEXT_INTERVAL_MS = 500;

const CONTAINERS: Readonly<Record<RecorderContainer, string>> = {
  ogg: 'Ogg Opus',
  webm: 'WebM Opus',
  wav: 'WAV',
};

/** Records the source to a file, to be played here and downloaded. */
@customElement('lab-recorder')
export class LabRecorder extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    toolPanel,
    css`
      .record {
        min-width: 9.5rem;
      }
      .pause {
        min-width: 6rem;
      }
      .below {
        display: grid;
        grid-template-columns: minmax(18rem, 1fr) minmax(0, 1.5fr);
        gap: 0.75rem 1.75rem;
        align-items: center;
      }
      dl {
        grid-template-columns: repeat(3, minmax(0, 1fr));
      }
      .file {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem 1rem;
        align-items: center;
        min-height: 2.75rem;
      }
      audio {
        flex: 1 1 14rem;
        min-width: 0;
        max-width: 100%;
        height: 2.5rem;
      }
      a {
        color: var(--in);
        font-size: 0.9375rem;
      }
      .problem {
        color: var(--alert);
      }
      @media (max-width: 52rem) {
        .choice,
        .head button {
          flex: 1 1 auto;
        }
        h2 {
          width: 100%;
        }
        .below {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) context: BaseAudioContext | null = null;
  /** What is recorded; null where nothing runs. */
  @property({ attribute: false }) source: Source | null = null;
  readonly #recording = new Recording(this);

  constructor() {
    super();
    new Ticker(this, TEXT_INTERVAL_MS);
  }

  protected override willUpdate(): void {
    this.#recording.follow(this.source);
  }

  protected override render(): TemplateResult {
    const { phase, seconds, bytes: size, file } = this.#recording;
    const going = phase === 'recording' || phase === 'paused';
    const [length, unit] = bytes(size).split(' ');
    return html`<section class="panel" aria-label="Recording">
      <div class="head">
        <h2>Recording</h2>
        <fieldset class="choice" aria-label="Container" ?disabled=${phase !== 'idle'}>
          ${(Object.entries(CONTAINERS) as [RecorderContainer, string][]).map(([id, label]) =>
            this.#containerChoice(id, label),
          )}
        </fieldset>
        <button
          class="record ${going ? '' : 'primary'}"
          type="button"
          ?disabled=${phase === 'busy' || (!going && this.source === null)}
          @click=${this.#toggle}
        >
          ${going ? 'Stop recording' : 'Record'}
        </button>
        <button
          class="pause"
          type="button"
          ?disabled=${!going}
          @click=${() => this.#recording.togglePause()}
        >
          ${phase === 'paused' ? 'Resume' : 'Pause'}
        </button>
      </div>
      <div class="below">
        <dl>
          ${
            file === null
              ? figure('Elapsed', seconds.toFixed(1), 's')
              : figure('Length', seconds.toFixed(2), 's')
          }
          ${figure('Size', length!, unit!)}
          ${file === null ? this.#levelFigure() : truePeakFigure(file.truePeakDbtp)}
        </dl>
        <div class="file">${this.#outcome()}</div>
      </div>
    </section>`;
  }

  #containerChoice(container: RecorderContainer, label: string): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="container"
        .value=${container}
        .checked=${this.#recording.container === container}
        @change=${() => this.#choose(container)}
      />${label}
    </label>`;
  }

  #levelFigure(): TemplateResult {
    const { level } = this.#recording;
    const text = decibels(level);
    const now = Math.round(Math.max(METER_FLOOR_DBFS, Math.min(0, level)));
    return html`<div
      role="meter"
      aria-label="Recording level"
      aria-valuemin=${METER_FLOOR_DBFS}
      aria-valuemax="0"
      aria-valuenow=${now}
      aria-valuetext=${Number.isFinite(level) ? `${text} dBFS` : 'silence'}
    >
      ${figure('Peak', text, 'dBFS')}
    </div>`;
  }

  #outcome(): TemplateResult {
    const { problem, file } = this.#recording;
    if (problem !== null) {
      return html`<p class="problem" role="alert">${problem.title} ${problem.cure}</p>`;
    }
    if (file === null) return html`<p class="caption" role="status">${this.#hint()}</p>`;
    return html`<audio controls src=${file.url} aria-label="The recording"></audio>
      <a href=${file.url} download=${file.name}>Download ${bytes(file.bytes)}</a>`;
  }

  #hint(): string {
    const { phase, container } = this.#recording;
    if (phase === 'recording') return 'Recording. You can listen to it here when it is complete.';
    if (phase === 'paused') return 'Paused. This part is left out.';
    if (phase === 'busy') return 'One moment.';
    if (this.source === null) return 'Press Start first: the recorder records the source.';
    const opus =
      container === 'wav' ? '16-bit samples' : `Opus, ${RECORDING_BITRATE / 1000} kbit/s`;
    return `Records the source, mono: ${opus}.`;
  }

  #choose(container: RecorderContainer): void {
    this.#recording.container = container;
    this.requestUpdate();
  }

  readonly #toggle = (): void => {
    const { context } = this;
    const recording = this.#recording;
    if (recording.phase !== 'idle') void recording.stop();
    else if (context !== null) void recording.start(context);
  };
}

function truePeakFigure(dbtp: number | null): TemplateResult {
  return figure('True peak', dbtp === null ? '–' : decibels(dbtp), 'dBTP');
}

function figure(name: string, value: string, unit: string): TemplateResult {
  return html`<div>
    <dt>${name}</dt>
    <dd><span class="number">${value}</span> <span class="caption">${unit}</span></dd>
  </div>`;
}
