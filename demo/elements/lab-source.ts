import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { SourceKind } from '../settings.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';

/** What sounds, whether it runs, and how loud it comes out. Fires `lab-toggle`, `lab-source` and `lab-volume`. */
@customElement('lab-source')
export class LabSource extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .bar {
        display: grid;
        grid-template-columns: auto minmax(15rem, 1fr) minmax(15rem, 1fr);
        gap: 0.875rem 1.75rem;
        align-items: end;
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
        gap: 0.25rem 1.5rem;
        align-items: center;
        min-height: 1.5rem;
      }
      .hint label {
        display: inline-flex;
        gap: 0.5rem;
        align-items: center;
        color: var(--ink);
      }
      @media (max-width: 52rem) {
        .bar {
          grid-template-columns: 1fr;
        }
        .start {
          width: 100%;
        }
      }
    `,
  ];

  @property() kind: SourceKind = 'sample';
  @property({ type: Boolean }) active = false;
  @property({ type: Boolean }) voiceProcessing = true;
  @property({ type: Number }) volume = 1;
  @property({ type: Boolean }) muted = false;

  protected override render(): TemplateResult {
    return html`<div class="panel bar">
      <button class="start ${this.active ? '' : 'primary'}" type="button" @click=${this.toggle}>
        ${this.active ? 'Stop' : 'Start'}
      </button>
      <fieldset>
        <legend>Source</legend>
        <div class="choice">
          ${this.sourceChoice('sample', 'Speech sample')}
          ${this.sourceChoice('microphone', 'Microphone')}
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
            @input=${this.setVolume}
          />
          <button type="button" aria-pressed=${this.muted} @click=${this.toggleMute}>
            ${this.muted ? 'Muted' : 'Mute'}
          </button>
        </div>
      </div>
      <div class="hint caption">
        ${this.kind === 'microphone' ? this.microphoneHint() : 'A synthetic voice, looped. No permission is needed.'}
      </div>
    </div>`;
  }

  private sourceChoice(kind: SourceKind, label: string): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="source"
        .value=${kind}
        .checked=${this.kind === kind}
        @change=${() => fire(this, 'lab-source', { kind, voiceProcessing: this.voiceProcessing })}
      />${label}
    </label>`;
  }

  private microphoneHint(): TemplateResult {
    return html`<span
        >Wear headphones: a loudspeaker would feed the microphone, round and round.</span
      >
      <label>
        <input type="checkbox" .checked=${this.voiceProcessing} @change=${this.setProcessing} />
        Let the browser cancel echo and noise
      </label>`;
  }

  private readonly toggle = (): void => fire(this, 'lab-toggle', undefined);

  private readonly setProcessing = (event: Event): void => {
    const voiceProcessing = (event.target as HTMLInputElement).checked;
    fire(this, 'lab-source', { kind: this.kind, voiceProcessing });
  };

  private readonly setVolume = (event: Event): void => {
    const volume = Number((event.target as HTMLInputElement).value) / 100;
    fire(this, 'lab-volume', { volume, muted: this.muted });
  };

  private readonly toggleMute = (): void => {
    fire(this, 'lab-volume', { volume: this.volume, muted: !this.muted });
  };
}
