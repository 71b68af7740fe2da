import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { controls } from '../styles/controls.ts';
import type { ChannelChoice } from './channel-open.ts';
import { channelInit, openMessage } from './channel-open.ts';
import { channelStyles } from './channel-styles.ts';
import type { ToldChannel } from './channels-bench.ts';
import { hexDump } from './hex-dump.ts';
import { fieldStyles } from './field-styles.ts';
import { learnPageStyles } from './page-styles.ts';

const RELIABILITIES: Readonly<Record<ChannelChoice['reliability'], string>> = {
  all: 'Until it arrives',
  retransmits: 'A number of times',
  lifetime: 'For some time',
};

/** What the slider sets, and up to where. */
const LIMITS = {
  retransmits: { label: 'maxRetransmits', max: 10, unit: '' },
  lifetime: { label: 'maxPacketLifeTime', max: 1000, unit: ' ms' },
} as const;

/** The field that says most: the channel type. */
const TYPE = 1;

/** The options of a data channel, and the message that tells the other side. Fires `learn-open` with the choice. */
@customElement('lab-learn-open')
export class LabLearnOpen extends LitElement {
  static override styles: CSSResultGroup = [controls, learnPageStyles, fieldStyles, channelStyles];

  /** Whether a call is up. */
  @property({ type: Boolean }) up = false;
  @property({ attribute: false }) told: ToldChannel | null = null;
  @state() private choice: ChannelChoice = {
    ordered: false,
    reliability: 'retransmits',
    limit: 0,
    label: 'voice',
    protocol: '',
  };
  @state() private chosen = TYPE;

  protected override render(): TemplateResult {
    const { choice } = this;
    const { bytes, fields } = openMessage(choice);
    const field = fields[Math.min(this.chosen, fields.length - 1)]!;
    return html`<section class="panel" aria-labelledby="options">
      <div class="head">
        <h3 id="options">The options of a channel</h3>
        <button type="button" ?disabled=${!this.up} @click=${this.#open}>
          Open it in the call
        </button>
      </div>
      <p class="prose">
        A channel announces itself to the other side with a message, which this page composes as
        Chromium does (RFC 8832). With <code>negotiated: true</code> nothing is sent: both sides
        create it with the same <code>id</code>, which saves the wait. micwire’s calls do that.
      </p>
      <div class="controls">${this.#choices()}</div>
      <p class="dump">createDataChannel('${choice.label}', ${initText(choice)})</p>
      <div class="pair">
        <div class="channel">
          <h4>DATA_CHANNEL_OPEN, ${bytes.length} bytes</h4>
          <p class="dump">${hexDump(bytes, field)}</p>
          <div class="detail" aria-live="polite">
            <h4>${field.name}</h4>
            <p>${field.meaning}</p>
            <p class="caption">RFC 8832 §5.1</p>
          </div>
        </div>
        <div class="fields" role="group" aria-label="Fields of DATA_CHANNEL_OPEN">
          ${fields.map(
            ({ name, value }, i) =>
              html`<button
                type="button"
                aria-pressed=${i === this.chosen}
                @click=${() => (this.chosen = i)}
              >
                <span>${name}</span><code>${value}</code>
              </button>`,
          )}
        </div>
      </div>
      <p role="status" class="told">${this.#told()}</p>
    </section>`;
  }

  #choices(): TemplateResult {
    const { choice } = this;
    const { reliability, limit } = choice;
    const limits = reliability === 'all' ? null : LIMITS[reliability];
    return html`<fieldset class="wide">
        <legend>A lost message is sent again</legend>
        <div class="choice long">
          ${(Object.keys(RELIABILITIES) as ChannelChoice['reliability'][]).map(
            (each) =>
              html`<label
                ><input
                  type="radio"
                  name="reliability"
                  .value=${each}
                  .checked=${each === reliability}
                  @change=${() => this.#choose({ reliability: each, limit: 0 })}
                />${RELIABILITIES[each]}</label
              >`,
          )}
        </div>
      </fieldset>
      <div class="field">
        <label for="limit"
          >${limits?.label ?? 'No limit'}:
          <strong class="number">${limits === null ? '–' : `${limit}${limits.unit}`}</strong></label
        >
        <input
          id="limit"
          type="range"
          min="0"
          max=${limits?.max ?? 10}
          .value=${String(limit)}
          ?disabled=${limits === null}
          @input=${(event: Event) =>
            this.#choose({ limit: Number((event.target as HTMLInputElement).value) })}
        />
      </div>
      <label class="check"
        ><input
          type="checkbox"
          .checked=${choice.ordered}
          @change=${(event: Event) =>
            this.#choose({ ordered: (event.target as HTMLInputElement).checked })}
        />ordered</label
      >
      <label class="check"
        ><input
          type="checkbox"
          .checked=${choice.protocol !== ''}
          @change=${(event: Event) =>
            this.#choose({ protocol: (event.target as HTMLInputElement).checked ? 'opus' : '' })}
        />protocol: 'opus'</label
      >`;
  }

  #told(): string {
    const { told } = this;
    if (told === null) return this.up ? '' : 'Start the call above to open one in it.';
    const { label, id, ordered, maxRetransmits, maxPacketLifeTime, protocol } = told;
    const limits = [
      maxRetransmits === null ? '' : `, maxRetransmits ${maxRetransmits}`,
      maxPacketLifeTime === null ? '' : `, maxPacketLifeTime ${maxPacketLifeTime}`,
      protocol === '' ? '' : `, protocol ${protocol}`,
    ].join('');
    return `The other side was told of “${label}”: stream ${id}, ordered ${ordered}${limits}.`;
  }

  #choose(changes: Partial<ChannelChoice>): void {
    this.choice = { ...this.choice, ...changes };
  }

  readonly #open = (): void => {
    this.dispatchEvent(new CustomEvent('learn-open', { detail: this.choice }));
  };
}

/** The options as code. */
function initText(choice: ChannelChoice): string {
  const entries = Object.entries(channelInit(choice));
  return `{ ${entries.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')} }`;
}
