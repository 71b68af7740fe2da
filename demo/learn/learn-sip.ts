import { CALL_STEPS } from 'micwire';
import { explainSdp } from 'micwire/sdp';
import { explainSipMessage } from 'micwire/sip-ladder';
import type { SipLadderEntry } from 'micwire/sip-ladder';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { STEP_WORDS } from '../elements/lab-call-steps.ts';
import { controls } from '../styles/controls.ts';
import { CallBench } from './call-bench.ts';
import { ladderStyles } from './ladder-styles.ts';
import type { LearnVoice } from './learn-voice.ts';
import { VoiceUse } from './voice-use.ts';
import { learnPageStyles } from './page-styles.ts';
import { EXAMPLE_SIP_CALL, SIP_FOR_STEP, sipCallLadder, sipPartsOf } from './sip-call.ts';

/** The ladder of a call of SIP beside the six steps of WebRTC. */
@customElement('lab-learn-sip')
export class LabLearnSip extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    ladderStyles,
    css`
      .names {
        display: flex;
        justify-content: space-between;
        font-weight: 600;
      }
    `,
  ];

  @property({ attribute: false }) voice!: LearnVoice;
  /** The call lives here. Public for tests. */
  readonly bench: CallBench = new CallBench(() => this.requestUpdate());
  @state() private chosen = 0;

  constructor() {
    super();
    new VoiceUse(this);
  }

  protected override render(): TemplateResult {
    const { offer, answer, steps } = this.bench;
    const parts = sipPartsOf(offer, answer, steps);
    const entries = sipCallLadder(parts ?? EXAMPLE_SIP_CALL);
    const entry = entries[Math.min(this.chosen, entries.length - 1)]!;
    return html`${this.#ladder(entries, entry, parts === null)} ${this.#steps()}`;
  }

  #ladder(
    entries: readonly SipLadderEntry[],
    entry: SipLadderEntry,
    isExample: boolean,
  ): TemplateResult {
    return html`<section class="panel" aria-labelledby="ladder">
      <h3 id="ladder">The ladder</h3>
      <p class="prose">
        SIP sets up a call with requests and responses, as text.
        ${
          isExample
            ? 'This is a call from a page to a telephone; the descriptions in it are those of two telephones.'
            : this.bench.connected
              ? 'The offer and the answer in these messages are those of the call that you hear now.'
              : 'The offer and the answer in these messages are those of the last call.'
        }
        A page and its proxy would send these messages over a WebSocket; this page composes them,
        and sends them to nobody. Press one to read it, line by line.
      </p>
      <div class="pair">
        <div>
          <p class="names"><span>Page (Alice)</span><span>Proxy (to Bob)</span></p>
          <ol class="ladder" aria-label="Messages of the call">
            ${entries.map(
              (each) =>
                html`<li>
                  <button
                    type="button"
                    class=${each.from === 'page' ? 'out' : 'back'}
                    aria-pressed=${each === entry}
                    aria-label="${each.label}, ${each.from === 'page' ? 'from the page' : 'to the page'}"
                    @click=${() => (this.chosen = each.index)}
                  >
                    ${each.label}<span class="arrow" aria-hidden="true"></span>
                  </button>
                </li>`,
            )}
          </ol>
        </div>
        ${messageLines(entry)}
      </div>
    </section>`;
  }

  #steps(): TemplateResult {
    const { steps } = this.bench;
    return html`<section class="panel" aria-labelledby="steps">
      <h3 id="steps">Beside WebRTC’s six steps</h3>
      <p class="prose">
        WebRTC has no messages for setting up a call: an app brings offer and answer across as it
        likes.
        ${steps.length === 0 ? 'Press Start for a call within this page, with your own audio.' : nothing}
      </p>
      ${steps.length === 0 ? nothing : html`<lab-call-steps .steps=${steps}></lab-call-steps>`}
      <table>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">What SIP has for it</th>
          </tr>
        </thead>
        <tbody>
          ${CALL_STEPS.map(
            (name) =>
              html`<tr>
                <th scope="row">${STEP_WORDS[name][0]}</th>
                <td>${SIP_FOR_STEP[name]}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>`;
  }
}

/** A message, each of its lines with what it means. */
function messageLines({ message, label }: SipLadderEntry): TemplateResult {
  const { start, headers } = explainSipMessage(message);
  const [first = ''] = message.text.split('\r\n', 1);
  const body = message.text.slice(message.text.indexOf('\r\n\r\n') + 4);
  return html`<ol class="message" tabindex="0" aria-label="Lines of ${label}">
    ${line(first, start.explanation, start.clause)}
    ${headers.map(({ text, explanation, clause }) => line(text, explanation, clause))}
    ${
      body === ''
        ? nothing
        : explainSdp(body).lines.map(
            ({ text, explanation }, i) =>
              html`<li class=${i === 0 ? 'body' : ''}>
                <code>${text}</code><span class="caption">${explanation}</span>
              </li>`,
          )
    }
  </ol>`;
}

function line(text: string, explanation: string, clause: string): TemplateResult {
  return html`<li>
    <code>${text}</code
    ><span class="caption">${explanation}${clause === '' ? '' : ` (${clause})`}</span>
  </li>`;
}
