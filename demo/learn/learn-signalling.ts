import type { CallFigures } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { bytes, count, milliseconds } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import { CallBench } from './call-bench.ts';
import { figure } from './figure.ts';
import { ladderStyles } from './ladder-styles.ts';
import type { LearnVoice } from './learn-voice.ts';
import { learnPageStyles } from './page-styles.ts';
import type { TappedMessage } from './signal-tap.ts';
import { SignalTap } from './signal-tap.ts';
import { EXAMPLE_MESSAGES, explainSignal, isCandidate } from './signal-words.ts';
import { VoiceUse } from './voice-use.ts';

/** How often the packets are counted. */
const COUNT_MS = 1000;

const CARRIED: readonly (readonly [what: string, carried: string, why: string])[] = [
  ['Who is there', 'yes', 'Somebody has to bring the two together, and to say who calls.'],
  ['Offer and answer', 'yes', 'Codecs, the fingerprint of the keys, the user fragment.'],
  ['Candidates', 'yes', 'Addresses to try, as they are found.'],
  ['The end', 'yes', 'So that the other side knows at once.'],
  ['Audio', 'never', 'It goes directly, or through a TURN server, which cannot read it.'],
  [
    'Keys',
    'never',
    'DTLS agrees on them over the direct path. The signalling carries fingerprints only. Anyone who could change those could listen, so use wss: (RFC 8827 §6.5).',
  ],
];

const DISCOVERY: readonly (readonly [way: string, words: string])[] = [
  ['A shared name', 'Both type the same room, or one sends the other a link. The lab does this.'],
  ['A directory', 'Each registers a name with a server, which rings it. SIP does this (REGISTER).'],
  ['By hand', 'Copy the offer into a chat, and the answer back. It works without a server.'],
];

/** The messages of a call through the lab's signalling server. */
@customElement('lab-learn-signalling')
export class LabLearnSignalling extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    ladderStyles,
    css`
      .names {
        display: grid;
        grid-template-columns: 1fr auto 1fr;
        font-weight: 600;
      }
      .names :last-child {
        text-align: right;
      }
      /* Three lines of life: both ends at the sides, and the server in the middle. */
      .ladder {
        max-height: 38rem;
        background: linear-gradient(var(--line-strong), var(--line-strong)) 50% 0 / 2px 100%
          no-repeat;
        overflow-y: auto;
      }
      .ladder li {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
      }
      .ladder .callee {
        grid-column: 2;
      }
      .ladder button {
        min-height: 3.5rem;
        padding: 0.15rem 0.5rem 0.85rem;
        line-height: 1.2;
      }
      .ladder .number {
        display: block;
        font-size: 0.75rem;
      }
      .told {
        min-height: 1.5rem;
      }
      .big {
        font-size: 1.375rem;
      }
      .reading {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 0.5rem;
      }
      .value {
        white-space: pre-wrap;
      }
      .message {
        max-height: 34rem;
      }
      @media (max-width: 60rem) {
        .ladder,
        .message {
          max-height: 26rem;
        }
      }
      @media (max-width: 36rem) {
        td,
        th {
          padding-right: 0.5rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) voice!: LearnVoice;
  readonly #tap = new SignalTap(() => this.requestUpdate());
  /** The call lives here. Public for tests. */
  readonly bench: CallBench = new CallBench(
    () => this.requestUpdate(),
    () => {
      // They belong to the previous call.
      this.#figures = null;
      this.told = '';
      return this.#tap.open();
    },
  );
  @state() private chosen: TappedMessage | null = null;
  @state() private withCandidates = true;
  /** What the server said to a third peer. */
  @state() private told = '';
  #figures: CallFigures | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    new VoiceUse(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => void this.#count(), COUNT_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override render(): TemplateResult {
    return html`${this.#ladder()} ${this.#carried()} ${this.#rooms()}`;
  }

  #ladder(): TemplateResult {
    const isExample = this.#tap.messages.length === 0;
    const all = isExample ? EXAMPLE_MESSAGES : this.#tap.messages;
    const shown = this.withCandidates ? all : all.filter((message) => !isCandidate(message));
    const chosen = shown.find((message) => message === this.chosen) ?? shown[0]!;
    return html`<section class="panel" aria-labelledby="ladder">
      <div class="head">
        <h3 id="ladder">
          ${isExample ? 'The messages of a call: an example' : 'The messages of the call'}
        </h3>
        <button
          type="button"
          aria-pressed=${this.withCandidates}
          @click=${() => (this.withCandidates = !this.withCandidates)}
        >
          Show candidates
        </button>
      </div>
      <p class="prose">
        WebRTC does not say how two peers find each other and swap descriptions: each app has its
        own signalling. The lab’s is JSON over a WebSocket.
        ${
          isExample
            ? 'Press Start for a call with yourself: both ends are in this page, and their messages go through the lab’s server.'
            : 'Each message is here twice: on its way to the server, and on its way from it.'
        }
        Press one to read it.
      </p>
      <div class="pair">
        <div>
          <p class="names"><span>Caller</span><span>Server</span><span>Callee</span></p>
          <ol class="ladder" tabindex="0" aria-label="Messages of the call">
            ${shown.map((message) => this.#rung(message, message === chosen))}
          </ol>
        </div>
        ${messageFields(chosen)}
      </div>
    </section>`;
  }

  #rung(message: TappedMessage, isChosen: boolean): TemplateResult {
    const { end, direction, atMs } = message;
    const { label } = explainSignal(message);
    const isRight = (end === 'caller') === (direction === 'up');
    const way =
      direction === 'up' ? `from the ${end} to the server` : `from the server to the ${end}`;
    return html`<li>
      <button
        type="button"
        class="${end} ${isRight ? 'out' : 'back'}"
        aria-pressed=${isChosen}
        @click=${() => (this.chosen = message)}
      >
        <span class="number">${milliseconds(atMs)} ms</span> ${label}<span class="unseen"
          >, ${way}</span
        ><span class="arrow" aria-hidden="true"></span>
      </button>
    </li>`;
  }

  #carried(): TemplateResult {
    const { messages, isCut } = this.#tap;
    const { connected } = this.bench;
    const size = messages.reduce((sum, { text }) => sum + text.length, 0);
    const figures = this.#figures;
    return html`<section class="panel" aria-labelledby="carried">
      <div class="head">
        <h3 id="carried">What it carries, and what it does not</h3>
        <button type="button" ?disabled=${!connected || isCut} @click=${() => this.#tap.cut()}>
          ${isCut && connected ? 'The server is cut off' : 'Cut the server off'}
        </button>
      </div>
      <dl class="figures">
        ${figure('Messages through the server', count(messages.length))}
        ${figure('Size of the messages', bytes(size))}
        ${figure('Packets of audio, directly', figures === null ? '–' : count(figures.packetsSent))}
        ${figure('Size of the audio', figures === null ? '–' : bytes(figures.bytesSent))}
      </dl>
      <p class="prose" role="status">
        ${
          isCut && connected
            ? 'Both ends have lost the server, and the call continues: you still hear yourself. But no message will announce its end.'
            : 'Once the call is up, the server is no longer needed. During a call, cut it off and listen.'
        }
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Carried</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          ${CARRIED.map(
            ([what, carried, why]) =>
              html`<tr>
                <th scope="row">${what}</th>
                <td>${carried}</td>
                <td>${why}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>`;
  }

  #rooms(): TemplateResult {
    const { connected } = this.bench;
    return html`<section class="panel" aria-labelledby="rooms">
      <div class="head">
        <h3 id="rooms">How two pages find each other</h3>
        <button
          type="button"
          ?disabled=${!connected || this.#tap.isCut}
          @click=${() => void this.#knock()}
        >
          Join as a third
        </button>
      </div>
      <p class="prose">
        The server has rooms. The first peer waits; when a second comes, the server tells both their
        roles, and passes on what one says to the other. It keeps nothing.
        ${connected ? html`This call is in room <code>${this.#tap.room}</code>.` : nothing} A room
        holds two peers.
      </p>
      <p class="told" role="status">
        ${this.told === '' ? nothing : html`The server says: “${this.told}”`}
      </p>
      <table>
        <tbody>
          ${DISCOVERY.map(
            ([way, words]) =>
              html`<tr>
                <th scope="row">${way}</th>
                <td>${words}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      <p><a href="#call">Call another tab, or another machine</a>, in a room of your own.</p>
    </section>`;
  }

  async #knock(): Promise<void> {
    this.told = await this.#tap.knock();
  }

  async #count(): Promise<void> {
    const { caller } = this.bench;
    if (caller === null) return;
    try {
      this.#figures = await caller.stats();
      this.requestUpdate();
    } catch {
      // It has ended meanwhile: the last figures stay.
    }
  }
}

/** A message, field by field. */
function messageFields(message: TappedMessage): TemplateResult {
  const { label, about, fields } = explainSignal(message);
  return html`<div class="reading">
    <p class="prose">${about}</p>
    <ol class="message" tabindex="0" aria-label="Fields of ${label}">
      ${fields.map(
        ({ name, value, meaning }) =>
          html`<li>
            <code class="value">${JSON.stringify(name)}: ${value}</code
            ><span class="caption">${meaning}</span>
          </li>`,
      )}
    </ol>
  </div>`;
}
