import { explainSdp } from 'micwire/sdp';
import type { ExplainedSdp } from 'micwire/sdp';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { Ticker } from '../controllers/ticker.ts';
import { controls } from '../styles/controls.ts';
import { figure } from './figure.ts';
import type { LearnVoice } from './learn-voice.ts';
import { learnPageStyles } from './page-styles.ts';
import type { Negotiated } from './renegotiate.ts';
import type { SdpAgreement, SdpTopic } from './sdp-agreement.ts';
import { agreementOf, topicOf } from './sdp-agreement.ts';
import { SDP_CODECS, SdpBench } from './sdp-bench.ts';
import type { SdpCodecName, SdpSettings } from './sdp-bench.ts';
import type { ChangedLine } from './sdp-changes.ts';
import { changedLines } from './sdp-changes.ts';
import { EXAMPLE_NEGOTIATED } from './sdp-example.ts';
import { VoiceUse } from './voice-use.ts';

const LOOK_MS = 1000;

type Side = keyof Negotiated;

const SIDES: Readonly<Record<Side, string>> = {
  offer: 'Offer (from the caller)',
  answer: 'Answer (from the callee)',
};

const SWITCHES: readonly (readonly [
  name: Exclude<keyof SdpSettings, 'codec'>,
  label: string,
  line: string,
])[] = [
  ['fec', 'FEC', 'useinbandfec'],
  ['dtx', 'DTX', 'usedtx'],
  ['stereo', 'Stereo', 'stereo'],
  ['hold', 'Hold', 'a=inactive'],
];

const CHANGES: Readonly<Record<ChangedLine['change'], readonly [sign: string, words: string]>> = {
  same: ['', ''],
  new: ['+', 'new: '],
  gone: ['−', 'gone: '],
};

/** Offer and answer of a call, and what they lead to. */
@customElement('lab-learn-sdp')
export class LabLearnSdp extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    css`
      .switches {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
      .controls > .wide {
        flex: 1 1 20rem;
      }
      .told {
        min-height: 1.6em;
      }
      .agreed {
        display: grid;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .agreed button {
        display: grid;
        grid-template-columns: 11rem minmax(0, 1fr) minmax(0, 1fr);
        gap: 0.25rem 1.25rem;
        width: 100%;
        padding: 0.7rem 0.75rem;
        border-color: transparent;
        border-top-color: var(--line);
        border-radius: 0;
        text-align: left;
      }
      .agreed button[aria-pressed='true'] {
        border-color: var(--in);
        border-radius: var(--radius);
        background: var(--in);
        color: var(--on-accent);
      }
      .agreed button[aria-pressed='true'] .caption {
        color: inherit;
      }
      .agreed .what {
        grid-column: 2 / -1;
      }
      .agreed code {
        font-size: var(--small);
        overflow-wrap: anywhere;
      }
      .sides {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 1.25rem;
      }
      .lines {
        position: relative;
        max-height: 44rem;
        margin: 0.4rem 0 0;
        padding: 0.35rem;
        border-radius: var(--radius);
        background: var(--sunken);
        overflow-y: auto;
        list-style: none;
      }
      .lines button {
        display: grid;
        grid-template-columns: 1ch minmax(0, 1fr);
        gap: 0.5rem;
        align-items: center;
        width: 100%;
        padding: 0.15rem 0.5rem;
        border-color: transparent;
        border-left: 3px solid transparent;
        border-radius: 3px;
        font: var(--small) / 1.4 var(--mono);
        text-align: left;
        overflow-wrap: anywhere;
      }
      .lines .topic button {
        border-left-color: var(--in);
        background: var(--panel);
      }
      .lines .new button,
      .lines .gone button {
        background: var(--panel);
        color: var(--out);
        font-weight: 600;
      }
      .lines .gone .text {
        text-decoration: line-through;
      }
      .lines button[aria-expanded='true'] {
        background: var(--in);
        color: var(--on-accent);
      }
      .lines p {
        padding: 0.5rem 0.75rem 0.75rem 1.5rem;
        font-size: 0.9375rem;
      }
      .check {
        display: inline-flex;
        gap: 0.5rem;
        align-items: center;
        min-height: 2.75rem;
      }
      @media (max-width: 60rem) {
        .sides {
          grid-template-columns: minmax(0, 1fr);
        }
        .lines {
          max-height: 30rem;
        }
      }
      @media (max-width: 44rem) {
        .agreed button {
          grid-template-columns: minmax(0, 1fr);
        }
        .agreed .what {
          grid-column: 1;
        }
      }
    `,
  ];

  @property({ attribute: false }) voice!: LearnVoice;
  /** The call lives here. Public for tests. */
  readonly bench: SdpBench = new SdpBench(() => this.requestUpdate());
  @state() private topic: SdpTopic | null = 'codec';
  /** The line whose explanation is open: its side and its text. */
  @state() private open: readonly [side: Side, text: string] | null = null;
  @state() private onlyChanges = false;
  readonly #cache = new Map<string, ExplainedSdp>();

  constructor() {
    super();
    new VoiceUse(this);
    new Ticker(this, LOOK_MS);
  }

  protected override willUpdate(): void {
    void this.bench.look();
  }

  protected override render(): TemplateResult {
    const { bench } = this;
    const now = bench.now ?? EXAMPLE_NEGOTIATED;
    const [offer, answer] = [this.#explained(now.offer), this.#explained(now.answer)];
    const agreement = agreementOf(offer, answer);
    const changes: Readonly<Record<Side, readonly ChangedLine[]>> = {
      offer: changedLines(this.#before('offer'), offer.lines),
      answer: changedLines(this.#before('answer'), answer.lines),
    };
    return html`${this.#settings(changes)} ${this.#agreement(agreement)} ${this.#sides(changes)}`;
  }

  #settings(changes: Readonly<Record<Side, readonly ChangedLine[]>>): TemplateResult {
    const { settings, ready, measured, connected, problem } = this.bench;
    return html`<section class="panel" aria-labelledby="call">
      <h3 id="call">A call, negotiated again and again</h3>
      <p class="prose">
        ${
          connected
            ? 'Your voice goes through a call within this page. Change a setting: offer and answer are exchanged again, and the lines that differ are marked below.'
            : 'Press Start for a call within this page, with your own voice. Until then the page shows an example.'
        }
      </p>
      <div class="controls">
        <fieldset class="wide">
          <legend>Codec that both sides prefer</legend>
          <div class="choice">
            ${Object.entries(SDP_CODECS).map(
              ([codec, label]) =>
                html`<label
                  ><input
                    type="radio"
                    name="codec"
                    .value=${codec}
                    .checked=${codec === settings.codec}
                    ?disabled=${!ready}
                    @change=${() => this.#change({ codec: codec as SdpCodecName })}
                  />${label}</label
                >`,
            )}
          </div>
        </fieldset>
        <fieldset class="wide">
          <legend>Preferences and hold</legend>
          <div class="switches">
            ${SWITCHES.map(
              ([name, label, line]) =>
                html`<button
                  type="button"
                  aria-pressed=${settings[name]}
                  title=${line}
                  ?disabled=${!ready}
                  @click=${() => this.#change({ [name]: !settings[name] })}
                >
                  ${label}
                </button>`,
            )}
          </div>
        </fieldset>
      </div>
      <p class="told" role="status">${problem === '' ? this.#told(changes) : problem}</p>
      <dl class="figures">
        ${figure('Codec of what arrives', measured?.codec ?? '–')}
        ${figure('Payload, kbit/s', measured === null ? '–' : measured.kilobits.toFixed(1))}
        ${figure('Packets a second', measured === null ? '–' : String(measured.packetsPerSecond))}
      </dl>
      <p class="caption">
        The first exchange had no candidates: they came one by one, later (trickle ICE). The second
        has them all. FEC, DTX and stereo are preferences of the side that writes them: they say
        what it wants to receive. With DTX, pauses of the voice send fewer packets. Hold is a
        direction: this call sends one way only, so it is held with a=inactive; a telephone that
        plays music to the other side says a=sendonly (RFC 3264 §8.4).
      </p>
    </section>`;
  }

  #told(changes: Readonly<Record<Side, readonly ChangedLine[]>>): string {
    if (this.bench.before === null) return '';
    const words = (['offer', 'answer'] as const).map((side) => {
      const count = (change: ChangedLine['change']): number =>
        changes[side].filter((line) => line.change === change).length;
      return `${count('new')} new and ${count('gone')} gone in the ${side}`;
    });
    return `Negotiated again. Lines: ${words.join(', ')}.`;
  }

  #agreement(rows: readonly SdpAgreement[]): TemplateResult {
    return html`<section class="panel" aria-labelledby="agreed">
      <h3 id="agreed">What was agreed</h3>
      <p class="prose">
        Read from both descriptions by this page. Press one to mark its lines below.
      </p>
      <ul class="agreed">
        ${rows.map(
          ({ topic, name, offer, answer, agreed, clause }) =>
            html`<li>
              <button
                type="button"
                aria-pressed=${topic === this.topic}
                @click=${() => (this.topic = topic === this.topic ? null : topic)}
              >
                <b>${name}</b>
                <span><span class="caption">Offer</span> <code>${offer || 'nothing'}</code></span>
                <span><span class="caption">Answer</span> <code>${answer || 'nothing'}</code></span>
                <span class="what">${agreed} <span class="caption">${clause.label}</span></span>
              </button>
            </li>`,
        )}
      </ul>
    </section>`;
  }

  #sides(changes: Readonly<Record<Side, readonly ChangedLine[]>>): TemplateResult {
    return html`<section class="panel" aria-labelledby="lines">
      <div class="head">
        <h3 id="lines">${this.bench.now === null ? 'Line by line: an example' : 'Line by line'}</h3>
        <label class="check"
          ><input
            type="checkbox"
            .checked=${this.onlyChanges}
            ?disabled=${this.bench.before === null}
            @change=${({ target }: Event) =>
              (this.onlyChanges = (target as HTMLInputElement).checked)}
          />Only what has changed</label
        >
      </div>
      <p class="prose">
        Press a line to read what it means. The lines that belong to your choice above have a bar on
        their left.
      </p>
      <div class="sides">
        ${this.#side('offer', changes.offer)} ${this.#side('answer', changes.answer)}
      </div>
    </section>`;
  }

  #side(side: Side, lines: readonly ChangedLine[]): TemplateResult {
    const isFiltered = this.onlyChanges && this.bench.before !== null;
    const shown = isFiltered ? lines.filter(({ change }) => change !== 'same') : lines;
    return html`<div>
      <h4>${SIDES[side]}</h4>
      <ol class="lines ${side}" aria-label=${SIDES[side]}>
        ${shown.length === 0 ? html`<li class="caption">No line has changed.</li>` : nothing}
        ${shown.map((line) => this.#line(side, line))}
      </ol>
    </div>`;
  }

  #line(side: Side, { line, change }: ChangedLine): TemplateResult {
    const { text, section, explanation } = line;
    // The same line may be in several sections.
    const key = `${section} ${text}`;
    const isOpen = this.open?.[0] === side && this.open[1] === key;
    const topic = topicOf(line);
    const isOfTopic = topic !== null && topic === this.topic;
    const [sign, words] = CHANGES[change];
    return html`<li class="${change} ${isOfTopic ? 'topic' : ''}">
      <button
        type="button"
        aria-expanded=${isOpen}
        @click=${() => {
          this.open = isOpen ? null : [side, key];
          if (!isOpen) this.topic = topic;
        }}
      >
        <span aria-hidden="true">${sign}</span
        ><span class="text"><span class="unseen">${words}</span>${text}</span>
      </button>
      ${isOpen ? html`<p>${explanation}</p>` : nothing}
    </li>`;
  }

  #change(changes: Partial<SdpSettings>): void {
    void this.bench.change(changes).then(() => this.requestUpdate());
    this.requestUpdate();
  }

  #before(side: Side): ExplainedSdp['lines'] | null {
    const { before } = this.bench;
    return before === null ? null : this.#explained(before[side]).lines;
  }

  /** Explained once: descriptions do not change, and are drawn again and again. */
  #explained(text: string): ExplainedSdp {
    let sdp = this.#cache.get(text);
    if (sdp === undefined) {
      // The current ones and those before, of both sides.
      if (this.#cache.size >= 8) this.#cache.clear();
      sdp = explainSdp(text);
      this.#cache.set(text, sdp);
    }
    return sdp;
  }
}
