import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { StageSource, VoiceProcessing } from '../audio/source.ts';
import { UNPROCESSED } from '../audio/source.ts';
import type { MicrophoneView } from '../page/microphone-view.ts';
import type { SourceKind } from '../runs/run.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';
import './lab-microphone.ts';

const KINDS: Readonly<Record<SourceKind, string>> = {
  speech: 'Speech',
  music: 'Music',
  microphone: 'Microphone',
  file: 'File',
};

const PROCESSING: Readonly<Record<keyof VoiceProcessing, string>> = {
  echoCancellation: 'Cancel echo',
  autoGainControl: 'Control gain',
  noiseSuppression: 'Suppress noise',
};

/**
 * The source, whether it runs, and the output volume. Takes dropped files. Fires `lab-toggle`, `lab-source`, `lab-volume`,
 * and what the microphone's controls fire.
 */
@customElement('lab-source')
export class LabSource extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .bar {
        display: grid;
        grid-template-columns: auto minmax(21rem, 1.4fr) minmax(13rem, 1fr);
        gap: 0.25rem 1.75rem;
        align-items: end;
        padding-bottom: 0.5rem;
      }
      .start {
        min-width: 7.5rem;
        min-height: 3.25rem;
        font-size: 1.0625rem;
      }
      .volume {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 0 0.75rem;
        align-items: center;
      }
      .volume button {
        min-width: 5.5rem;
      }
      .hint {
        grid-column: 1 / -1;
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1.25rem;
        align-items: center;
        min-height: 2rem;
      }
      .hint label {
        display: inline-flex;
        gap: 0.4rem;
        align-items: center;
        min-height: 2rem;
        color: var(--ink);
      }
      .file {
        min-height: 2rem;
      }
      lab-microphone {
        grid-column: 1 / -1;
      }
      .over {
        outline: 2px dashed var(--focus);
        outline-offset: -4px;
      }
      @media (max-width: 60rem) {
        .bar {
          grid-template-columns: minmax(0, 1fr);
        }
        .start {
          width: 100%;
          margin-bottom: 0.25rem;
        }
      }
      @media (max-width: 30rem) {
        .choice label {
          padding: 0 0.3rem;
          font-size: 0.875rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) source: StageSource = {
    kind: 'speech',
    file: null,
    processing: UNPROCESSED,
  };
  /** Shown while the microphone is chosen. */
  @property({ attribute: false }) microphone: MicrophoneView | null = null;
  @property({ type: Boolean }) active = false;
  /** Whether nothing may be changed now except to stop. */
  @property({ type: Boolean }) fixed = false;
  @property({ type: Number }) volume = 1;
  @property({ type: Boolean }) muted = false;
  @state() private over = false;
  @query('input[type=file]') private picker!: HTMLInputElement;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('dragover', this.#dragged);
    addEventListener('dragleave', this.#left);
    addEventListener('drop', this.#dropped);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('dragover', this.#dragged);
    removeEventListener('dragleave', this.#left);
    removeEventListener('drop', this.#dropped);
  }

  protected override render(): TemplateResult {
    return html`<div class="panel bar ${this.over ? 'over' : ''}">
      <button class="start ${this.active ? '' : 'primary'}" type="button" @click=${this.#toggle}>
        ${this.active ? 'Stop' : 'Start'}
      </button>
      <fieldset ?disabled=${this.fixed}>
        <legend>Source</legend>
        <div class="choice">
          ${(Object.entries(KINDS) as [SourceKind, string][]).map(([kind, label]) => this.#choice(kind, label))}
        </div>
      </fieldset>
      <div class="field">
        <label for="volume">Output volume</label>
        <div class="volume">
          <input
            id="volume"
            type="range"
            min="0"
            max="100"
            step="1"
            .value=${String(Math.round(this.volume * 100))}
            aria-valuetext="${Math.round(this.volume * 100)} percent"
            @input=${this.#setVolume}
          />
          <button type="button" aria-pressed=${this.muted} @click=${this.#toggleMute}>
            ${this.muted ? 'Muted' : 'Mute'}
          </button>
        </div>
      </div>
      <div class="hint caption">${this.#hint()}</div>
      ${
        this.source.kind === 'microphone'
          ? html`<lab-microphone .view=${this.microphone} .fixed=${this.fixed}></lab-microphone>`
          : nothing
      }
      <input
        type="file"
        accept="audio/*,video/*"
        hidden
        aria-label="Audio file"
        @change=${this.#picked}
      />
    </div>`;
  }

  #choice(kind: SourceKind, label: string): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="source"
        .value=${kind}
        .checked=${this.source.kind === kind}
        @change=${() => this.#choose(kind)}
      />${label}
    </label>`;
  }

  #hint(): TemplateResult {
    const { kind, file } = this.source;
    if (kind === 'microphone') return this.#microphoneHint();
    if (kind === 'file') {
      return html`<button class="file" type="button" @click=${() => this.picker.click()}>
          Choose a file
        </button>
        <span>${file === null ? 'Or drop one on the page.' : nameOf(file)}</span>`;
    }
    const what =
      kind === 'music'
        ? 'A short piece up to the top of the spectrum, looped.'
        : 'A synthetic voice, looped.';
    return html`<span>${what} No permission is needed. A file may be dropped on the page.</span>`;
  }

  #microphoneHint(): TemplateResult {
    const { processing } = this.source;
    return html`<span>Wear headphones: a loudspeaker would feed the microphone.</span> ${(
        Object.entries(PROCESSING) as [keyof VoiceProcessing, string][]
      ).map(
        ([name, label]) =>
          html`<label
            ><input
              type="checkbox"
              ?disabled=${this.fixed}
              .checked=${processing[name]}
              @change=${(event: Event) => this.#process(name, event)}
            />${label}</label
          >`,
      )}
      ${
        Object.values(processing).some(Boolean)
          ? html`<span>The browser changes the voice before the lanes get it.</span>`
          : nothing
      }`;
  }

  #choose(kind: SourceKind): void {
    // Without a file there is nothing to restart with: picking one fires the rest.
    fire(this, 'lab-source', { kind });
    if (kind === 'file' && this.source.file === null) this.picker.click();
  }

  #process(name: keyof VoiceProcessing, event: Event): void {
    const on = (event.target as HTMLInputElement).checked;
    fire(this, 'lab-source', { processing: { ...this.source.processing, [name]: on } });
  }

  readonly #picked = (): void => {
    const file = this.picker.files?.[0];
    if (file !== undefined) fire(this, 'lab-source', { kind: 'file', file });
  };

  readonly #dragged = (event: DragEvent): void => {
    if (this.fixed || event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault();
    this.over = true;
  };

  readonly #left = (event: DragEvent): void => {
    if (event.relatedTarget === null) this.over = false;
  };

  readonly #dropped = (event: DragEvent): void => {
    this.over = false;
    const file = event.dataTransfer?.files[0];
    if (file === undefined || this.fixed) return;
    event.preventDefault();
    fire(this, 'lab-source', { kind: 'file', file });
  };

  readonly #toggle = (): void => fire(this, 'lab-toggle', undefined);

  readonly #setVolume = (event: Event): void => {
    const volume = Number((event.target as HTMLInputElement).value) / 100;
    fire(this, 'lab-volume', { volume, muted: this.muted });
  };

  readonly #toggleMute = (): void => {
    fire(this, 'lab-volume', { volume: this.volume, muted: !this.muted });
  };
}

function nameOf(file: Blob): string {
  return file instanceof File ? file.name : 'A file';
}
