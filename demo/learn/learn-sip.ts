import { CALL_STEPS } from 'micwire';
import { explainSdp } from 'micwire/sdp';
import { explainSipMessage } from 'micwire/sip-ladder';
import type { SipCallState } from 'micwire/sip';
import type { SipLadderEntry } from 'micwire/sip-ladder';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { STEP_WORDS } from '../elements/lab-call-steps.ts';
import { IS_STATIC } from '../page/static-build.ts';
import { controls } from '../styles/controls.ts';
import { ladderStyles } from './ladder-styles.ts';
import type { LearnVoice } from './learn-voice.ts';
import { VoiceUse } from './voice-use.ts';
import { learnPageStyles } from './page-styles.ts';
import { EXAMPLE_SIP_CALL, SIP_FOR_STEP, sipCallLadder, sipPartsOf } from './sip-call.ts';
import { TelephoneBench } from './telephone-bench.ts';

/** The telephone's lines, and the codecs that each takes. */
const LINES = { phone: 'Opus or G.711', desk: 'G.711 only' } as const;
type Line = keyof typeof LINES;
/** About the ladder of the telephone. */
const REAL =
  'These are the messages that this page and the lab’s SIP server have sent each other: it has registered, and called or was called.';
/** The two sides of a ladder. */
const REAL_NAMES = ['This page', 'The lab’s SIP server'] as const;
const COMPOSED_NAMES = ['Page (Alice)', 'Proxy (to Bob)'] as const;
const STATES: Readonly<Record<SipCallState, string>> = {
  new: 'The telephone calls.',
  connecting: 'Calling …',
  ringing: 'The telephone rings.',
  connected: 'Connected: you hear the telephone’s tone, and it hears you.',
  closed: 'The call is over.',
};

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
      .acts {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
    `,
  ];

  @property({ attribute: false }) voice!: LearnVoice;
  /** The calls live here. Public for tests. */
  readonly bench: TelephoneBench = new TelephoneBench(() => this.requestUpdate());
  @state() private chosen = 0;
  @state() private line: Line = 'phone';

  constructor() {
    super();
    new VoiceUse(this);
  }

  protected override render(): TemplateResult {
    const { offer, answer, steps } = this.bench;
    const parts = sipPartsOf(offer, answer, steps);
    const real = this.bench.ladder;
    const entries = real.length > 0 ? real : sipCallLadder(parts ?? EXAMPLE_SIP_CALL);
    const entry = entries.find(({ index }) => index === this.chosen) ?? entries.at(-1)!;
    const [about, names] =
      real.length > 0 ? [REAL, REAL_NAMES] : [this.#aboutComposed(parts === null), COMPOSED_NAMES];
    return html`${this.#ladder(entries, entry, about, names)} ${this.#telephone()} ${this.#steps()}`;
  }

  #aboutComposed(isExample: boolean): string {
    const which = isExample
      ? 'This is a call from a page to a telephone; the descriptions in it are those of two telephones.'
      : this.bench.connected
        ? 'The offer and the answer in these messages are those of the call that you hear now.'
        : 'The offer and the answer in these messages are those of the last call.';
    return `${which} A page and its proxy would send these messages over a WebSocket; this page composes them, and does not send them.`;
  }

  #ladder(
    entries: readonly SipLadderEntry[],
    entry: SipLadderEntry,
    about: string,
    [page, other]: readonly [page: string, other: string],
  ): TemplateResult {
    return html`<section class="panel" aria-labelledby="ladder">
      <h3 id="ladder">The ladder</h3>
      <p class="prose">
        SIP sets up a call with requests and responses, as text. ${about} Press one to read it, line
        by line.
      </p>
      <div class="pair">
        <div>
          <p class="names"><span>${page}</span><span>${other}</span></p>
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

  #telephone(): TemplateResult {
    return html`<section class="panel" aria-labelledby="telephone">
      <h3 id="telephone">Call a telephone</h3>
      <p class="prose">
        <code>npm start -- --phone</code> starts the lab with a SIP server, a media gateway and a
        telephone on your machine: kamailio, rtpengine and baresip. The telephone answers by itself,
        and plays a tone. The gateway has DTLS-SRTP on the page’s side and plain RTP on the other.
        ${
          IS_STATIC
            ? 'This copy of the lab has no server, and so no telephone.'
            : this.bench.connected
              ? nothing
              : 'Press Start above first: the telephone hears your own audio.'
        }
      </p>
      ${IS_STATIC ? nothing : this.#telephoneControls()}
    </section>`;
  }

  #telephoneControls(): TemplateResult {
    const { bench, line } = this;
    const { connected, isBusy, isCalling, why } = bench;
    const isFree = connected && !isBusy && !isCalling;
    return html`
      <fieldset>
        <legend>The telephone’s codecs</legend>
        <div class="choice">
          ${(Object.keys(LINES) as Line[]).map(
            (each) =>
              html`<label
                ><input
                  type="radio"
                  name="line"
                  .checked=${each === line}
                  @change=${() => (this.line = each)}
                />${LINES[each]}</label
              >`,
          )}
        </div>
      </fieldset>
      <div class="acts">
        <button
          type="button"
          class="primary"
          ?disabled=${!isFree}
          @click=${() => void bench.call(line)}
        >
          Call the telephone
        </button>
        <button type="button" ?disabled=${!isFree} @click=${() => void bench.haveCalled(line)}>
          Have it call this page
        </button>
        <button type="button" ?disabled=${!isCalling} @click=${() => bench.hangUp()}>
          Hang up
        </button>
      </div>
      <p role="status">${this.#status()}</p>
      ${why === '' ? nothing : html`<p role="alert">${why}</p>`}
    `;
  }

  #status(): string {
    const { isBusy, isCalling, why, telephoneCall } = this.bench;
    // The last call is over, and the next one is not there yet.
    if (isBusy && !isCalling) return 'The call is being prepared …';
    return telephoneCall === null || why !== '' ? '' : STATES[telephoneCall.state];
  }

  #steps(): TemplateResult {
    const { steps } = this.bench;
    return html`<section class="panel" aria-labelledby="steps">
      <h3 id="steps">Beside WebRTC’s six steps</h3>
      <p class="prose">
        WebRTC has no messages for setting up a call: an app exchanges offer and answer as it likes.
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
