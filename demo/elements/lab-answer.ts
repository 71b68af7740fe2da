import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Answer, MachineLoad } from '../page/answer.ts';
import type { NeedId } from '../page/needs.ts';
import { NEEDS, NEED_IDS } from '../page/needs.ts';
import { answerStyles } from '../styles/answer-styles.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';
import { laneMark } from './templates.ts';

/** A sign for each tone, so that colour is never the only one. */
const SIGNS: Readonly<Record<Answer['tone'], string>> = {
  idle: '',
  busy: '◌',
  good: '',
  warning: '▲',
};

const LOAD_SIGNS: Readonly<Record<MachineLoad['level'], string>> = {
  unknown: '○',
  light: '●',
  high: '▲',
  'too-high': '✕',
};

/** The recommendation for a need: which lane, with its number and its price. Fires `lab-need`. */
@customElement('lab-answer')
export class LabAnswer extends LitElement {
  static override styles: CSSResultGroup = [controls, answerStyles];

  @property({ attribute: false }) answer: Answer | null = null;
  @property() need: NeedId = 'delay';
  /** Where the figures are from, and what decides. */
  @property() about = '';
  @property({ attribute: false }) load: MachineLoad | null = null;

  protected override render(): TemplateResult | typeof nothing {
    const { answer, load } = this;
    if (answer === null) return nothing;
    const { tone, lane, title, number, detail, notes } = answer;
    const sign = SIGNS[tone];
    return html`<section class="panel ${tone}" aria-label="The answer">
      <fieldset>
        <legend>What do you need most?</legend>
        <div class="chips needs">${NEED_IDS.map((id) => this.#need(id))}</div>
      </fieldset>
      <div class="result">
        <p class="title" data-test="answer">
          <span role="status"
            >${
              sign === '' ? nothing : html`<span class="sign" aria-hidden="true">${sign}</span> `
            }${lane === null ? nothing : html`<span class="mark">${laneMark(lane)}</span> `}${title}</span
          >
          ${number === '' ? nothing : html`<span class="figure number">${number}</span>`}
        </p>
        <p class="detail">${detail}</p>
        <p class="notes">${notes.join(' ')}</p>
      </div>
      <p class="foot caption">
        <span class="about">${this.about}</span>
        ${
          load === null
            ? nothing
            : html`<span class="load ${load.level}"
                ><span aria-hidden="true">${LOAD_SIGNS[load.level]}</span> ${load.text}</span
              >`
        }
      </p>
    </section>`;
  }

  #need(id: NeedId): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="need"
        .value=${id}
        .checked=${this.need === id}
        @change=${() => fire(this, 'lab-need', { need: id })}
      />${NEEDS[id].label}
    </label>`;
  }
}
