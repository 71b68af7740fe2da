import { NAT_KINDS, canConnect, describeNat } from 'micwire/nat';
import type { NatKind, NatPath } from 'micwire/nat';
import { explainStun } from 'micwire/stun';
import type { StunField } from 'micwire/stun';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { controls } from '../styles/controls.ts';
import { HOST_A, STUN_SERVER, runNatTrial, textOf, viewThrough } from './nat-trial.ts';
import type { NatTrial, TrialStep } from './nat-trial.ts';
import { fieldStyles } from './field-styles.ts';
import { learnPageStyles } from './page-styles.ts';
import { figure } from './figure.ts';
import { hexDump } from './hex-dump.ts';
import { bindingExchange } from './stun-exchange.ts';

const KINDS: Readonly<Record<NatKind, string>> = {
  'full-cone': 'Full cone',
  'address-restricted': 'Address-restricted',
  'port-restricted': 'Port-restricted',
  symmetric: 'Symmetric',
};
const KIND_NAMES = Object.keys(KINDS) as NatKind[];

const PATHS: Readonly<Record<NatPath, readonly [sign: string, words: string]>> = {
  direct: ['●', 'direct'],
  'direct-prflx': ['◐', 'direct, peer reflexive'],
  relay: ['○', 'only TURN'],
};

const OUTCOMES: Readonly<Record<TrialStep['outcome'], string>> = {
  arrives: '✓',
  refused: '✕',
  told: '↔',
};

/** Which of the two messages. */
type Side = 'request' | 'response';

/** STUN messages taken apart, and which NATs let two peers talk. */
@customElement('lab-learn-nat')
export class LabLearnNat extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    fieldStyles,
    css`
      .pair {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 1.25rem;
      }
      .message {
        display: grid;
        gap: 0.5rem;
        align-content: start;
        min-width: 0;
      }
      .fields code {
        overflow-wrap: anywhere;
      }
      .dump {
        min-height: 5.5rem;
      }
      .detail {
        min-height: 6.5rem;
        padding-left: 0.875rem;
        border-left: 3px solid var(--in);
      }
      .big {
        font-size: 1.25rem;
        overflow-wrap: anywhere;
      }
      .matrix {
        table-layout: fixed;
      }
      .matrix th,
      .matrix td {
        padding: 0.2rem 0.25rem 0.2rem 0;
        border: 0;
        vertical-align: middle;
        overflow-wrap: break-word;
        hyphens: auto;
      }
      .matrix thead th {
        text-align: center;
      }
      .matrix button {
        display: grid;
        gap: 0.1rem;
        justify-items: center;
        width: 100%;
        min-height: 4rem;
        padding: 0.3rem 0.15rem;
        align-content: center;
        background: var(--sunken);
        font-size: 0.875rem;
        line-height: 1.2;
      }
      .matrix .relay {
        border-color: var(--alert);
        background: var(--alert-ground);
      }
      .matrix button[aria-pressed='true'] {
        border-color: var(--in);
        background: var(--in);
        color: var(--on-accent);
      }
      .sign {
        font-size: 1.125rem;
      }
      ol {
        display: grid;
        gap: 0.35rem;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 1.5rem minmax(0, 1fr);
        overflow-wrap: anywhere;
      }
      .arrives .sign {
        color: var(--in);
      }
      .refused .sign {
        color: var(--alert);
      }
      @media (max-width: 52rem) {
        .pair {
          grid-template-columns: minmax(0, 1fr);
        }
        .matrix button {
          font-size: 0.75rem;
        }
        .matrix th {
          font-size: 0.6875rem;
          font-weight: 400;
        }
      }
      @media (max-width: 36rem) {
        .kinds {
          grid-auto-flow: row;
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
        .kinds label {
          padding: 0 0.25rem;
          border-radius: 0;
        }
      }
    `,
  ];

  @state() private kind: NatKind = 'port-restricted';
  @state() private chosen: { readonly side: Side; readonly index: number } = {
    side: 'response',
    index: 4,
  };
  @state() private pair: readonly [NatKind, NatKind] = ['port-restricted', 'symmetric'];
  @state() private transaction = crypto.getRandomValues(new Uint8Array(12));
  readonly #trials = allTrials();

  protected override render(): TemplateResult {
    return html`${this.#stun()} ${this.#matrix()} ${this.#trial()}`;
  }

  #stun(): TemplateResult {
    const { first, second } = viewThrough(NAT_KINDS[this.kind]);
    const exchange = bindingExchange(this.transaction, first);
    const messages = {
      request: explainStun(exchange.request),
      response: explainStun(exchange.response),
    };
    const { side, index } = this.chosen;
    const field = messages[side].fields[index]!;
    return html`<section class="panel" aria-labelledby="stun">
      <div class="head">
        <h3 id="stun">A question to a STUN server</h3>
        <button type="button" @click=${this.#again}>Ask again</button>
      </div>
      <p class="prose">
        A host behind a NAT does not know the address that the world sees. It asks a server outside,
        and the server answers with the address that the question came from. The request goes
        through a simulated NAT; both messages are written and read by this page. Press a field.
      </p>
      <fieldset>
        <legend>The NAT in front of the host</legend>
        <div class="choice kinds">
          ${KIND_NAMES.map(
            (kind) =>
              html`<label
                ><input
                  type="radio"
                  name="kind"
                  .value=${kind}
                  .checked=${kind === this.kind}
                  @change=${() => (this.kind = kind)}
                />${KINDS[kind]}</label
              >`,
          )}
        </div>
      </fieldset>
      <p class="prose">${describeNat(NAT_KINDS[this.kind])}</p>
      <dl class="figures">
        ${figure('The host itself', textOf(HOST_A))}
        ${figure(`As the server at ${textOf(STUN_SERVER)} sees it`, textOf(first))}
        ${figure('As a second server sees it', textOf(second))}
      </dl>
      <div class="pair">
        ${this.#message('request', messages.request, exchange.request)}
        ${this.#message('response', messages.response, exchange.response)}
      </div>
      <div class="detail" aria-live="polite">
        <h4>${field.name}</h4>
        <p><code>${field.value}</code></p>
        <p>${field.explanation} ${field.fault}</p>
        <p class="caption">${field.clause}</p>
      </div>
    </section>`;
  }

  #message(
    side: Side,
    { title, fields }: { readonly title: string; readonly fields: readonly StunField[] },
    bytes: Uint8Array,
  ): TemplateResult {
    const chosen = this.chosen.side === side ? (fields[this.chosen.index] ?? null) : null;
    return html`<div class="message">
      <h4>${title}, ${bytes.length} bytes</h4>
      <p class="dump">${hexDump(bytes, chosen)}</p>
      <div class="fields" role="group" aria-label="Fields of the ${title}">
        ${fields.map(
          (field, index) =>
            html`<button
              type="button"
              aria-pressed=${field === chosen}
              @click=${() => (this.chosen = { side, index })}
            >
              <span>${field.name}</span><code>${field.value}</code>
            </button>`,
        )}
      </div>
    </div>`;
  }

  #matrix(): TemplateResult {
    return html`<section class="panel" aria-labelledby="matrix">
      <h3 id="matrix">Which two can talk directly</h3>
      <p class="prose">
        Each cell was run just now: two peers, two simulated NATs, real checks. Press one to read
        what happened to each packet.
      </p>
      <table class="matrix">
        <caption class="unseen">
          How two peers connect, by the NAT of each
        </caption>
        <thead>
          <tr>
            <td></td>
            ${KIND_NAMES.map((kind) => html`<th scope="col">${KINDS[kind]}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${KIND_NAMES.map(
            (a) =>
              html`<tr>
                <th scope="row">${KINDS[a]}</th>
                ${KIND_NAMES.map((b) => html`<td>${this.#cell(a, b)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
      <p class="caption">
        ● directly, by the addresses that STUN returned. ◐ directly, by an address that appeared
        only in a check. ○ only through a TURN server. ${this.#agreement()}
      </p>
    </section>`;
  }

  #cell(a: NatKind, b: NatKind): TemplateResult {
    const { path } = this.#trials[a][b];
    const [sign, words] = PATHS[path];
    const isChosen = this.pair[0] === a && this.pair[1] === b;
    return html`<button
      type="button"
      class=${path}
      aria-pressed=${isChosen}
      aria-label="${KINDS[a]} and ${KINDS[b]}: ${words}"
      @click=${() => (this.pair = [a, b])}
    >
      <span class="sign" aria-hidden="true">${sign}</span>${words}
    </button>`;
  }

  #agreement(): string {
    const pairs = KIND_NAMES.flatMap((a) => KIND_NAMES.map((b) => [a, b] as const));
    const agreeing = pairs.filter(
      ([a, b]) => this.#trials[a][b].path === canConnect(NAT_KINDS[a], NAT_KINDS[b]),
    );
    return `canConnect() predicts ${agreeing.length} of these ${pairs.length} outcomes.`;
  }

  #trial(): TemplateResult {
    const [a, b] = this.pair;
    const { steps, path } = this.#trials[a][b];
    return html`<section class="panel" aria-labelledby="trial">
      <h3 id="trial">${KINDS[a]} and ${KINDS[b].toLowerCase()}: ${PATHS[path][1]}</h3>
      <ol aria-label="What happened to each packet">
        ${steps.map(
          ({ text, outcome }) =>
            html`<li class=${outcome}>
              <span class="sign" aria-hidden="true">${OUTCOMES[outcome]}</span><span>${text}</span>
            </li>`,
        )}
      </ol>
      ${
        path === 'relay'
          ? html`<p class="prose">
              This is why TURN is needed: a symmetric NAT sends to each peer from another port, and
              the other NAT lets in only the port that was sent to. Neither can know the other’s
              port in time.
            </p>`
          : nothing
      }
      <p>
        <a href="#call">Try it with a real call</a>: two tabs of the view “A call”, each behind a
        simulated router.
      </p>
    </section>`;
  }

  readonly #again = (): void => {
    this.transaction = crypto.getRandomValues(new Uint8Array(12));
  };
}

function allTrials(): Readonly<Record<NatKind, Readonly<Record<NatKind, NatTrial>>>> {
  const rowOf = (a: NatKind) =>
    Object.fromEntries(
      KIND_NAMES.map((b) => [b, runNatTrial(NAT_KINDS[a], NAT_KINDS[b])]),
    ) as Record<NatKind, NatTrial>;
  return Object.fromEntries(KIND_NAMES.map((a) => [a, rowOf(a)])) as Record<
    NatKind,
    Record<NatKind, NatTrial>
  >;
}
