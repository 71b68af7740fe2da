import { parseIceCandidate } from 'micwire/sdp';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { milliseconds } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import { candidateParts, priorityOf, priorityTerms } from './ice-candidate-parts.ts';
import type { GatheringError } from '../page/ice-errors.ts';
import { iceErrorWords } from '../page/ice-errors.ts';
import type { Gathering } from './ice-gathering.ts';
import { IceGatherings } from './ice-gathering.ts';
import { iceStyles } from './ice-styles.ts';
import './lab-learn-checks.ts';
import { learnPageStyles } from './page-styles.ts';

/** Until there is a real one. */
const EXAMPLE =
  'candidate:842163049 1 udp 1694498815 198.51.100.11 46154 typ srflx raddr 10.0.0.2 rport 58968 generation 0 ufrag EsAw network-cost 999';
/** Which part is shown at first: the priority. */
const PRIORITY = 3;

const KINDS: readonly (readonly [kind: string, words: string])[] = [
  ['host', 'An address of the machine itself: enough within one network.'],
  ['host, a name in .local', 'The same, hidden from the other page behind a name of mDNS.'],
  ['srflx', 'What a STUN server saw: the NAT’s address. Free, and enough for most pairs of NATs.'],
  ['prflx', 'Learnt from a check of the other side; never in a description.'],
  ['relay', 'A port at a TURN server: always works, and the server carries every byte.'],
  [
    'tcp',
    'A host address for TCP, where UDP is blocked: active, passive or simultaneous open (RFC 6544).',
  ],
];

/** Candidates: where they come from and what is in them; and the checks of a call. */
@customElement('lab-learn-ice')
export class LabLearnIce extends LitElement {
  static override styles: CSSResultGroup = [controls, learnPageStyles, iceStyles];

  /** Public for tests. */
  readonly gathering: IceGatherings = new IceGatherings(() => this.requestUpdate());
  @state() private candidate: string | null = null;
  @state() private index = PRIORITY;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.gathering.close();
  }

  protected override render(): TemplateResult {
    return html`${this.#gatherings()} ${this.#candidate()} <lab-learn-checks></lab-learn-checks>`;
  }

  #gatherings(): TemplateResult {
    const { gatherings, problems, busy } = this.gathering;
    return html`<section class="panel" aria-labelledby="gather">
      <div class="head">
        <h3 id="gather">Gathering</h3>
        <button type="button" class="primary" ?disabled=${busy} @click=${this.#gather}>
          ${busy ? 'Gathering' : gatherings.length === 0 ? 'Gather' : 'Gather again'}
        </button>
      </div>
      <p class="prose">
        A candidate is an address at which a side may be reached. The browser has some itself, and
        gets others from servers. Here a separate connection asks each server, so that you see what
        it gives. Press a candidate to take it apart.
      </p>
      <details>
        <summary>Also ask your own server</summary>
        <div class="own">
          ${own('url', 'Address, such as turn:example.org')} ${own('username', 'User')}
          ${own('credential', 'Password')}
        </div>
      </details>
      ${problems.map((problem) => html`<p class="error" role="alert">${problem}</p>`)}
      <ul class="servers" aria-label="Servers and what they gave">
        ${gatherings.map((one) => this.#server(one))}
      </ul>
    </section>`;
  }

  #server({ label, url, candidates, errors, tookMs }: Gathering): TemplateResult {
    return html`<li>
      <div>
        <h4>${label}</h4>
        ${url === '' ? nothing : html`<code>${url}</code>`}
        <p class="caption">
          ${tookMs === null ? 'Under way.' : `Complete after ${milliseconds(tookMs)} ms.`}
        </p>
      </div>
      <div>
        ${
          candidates.length === 0
            ? html`<p class="caption">${nothingWords(url, errors, tookMs)}</p>`
            : html`<div class="found">
                ${candidates.map(
                  ({ text }) =>
                    html`<button
                      type="button"
                      aria-pressed=${text === this.candidate}
                      @click=${() => (this.candidate = text)}
                    >
                      ${briefly(text)}
                    </button>`,
                )}
              </div>`
        }
        ${errors.map(errorWords)}
      </div>
    </li>`;
  }

  #candidate(): TemplateResult {
    const text = this.candidate ?? EXAMPLE;
    const parts = candidateParts(text);
    const part = parts[Math.min(this.index, parts.length - 1)]!;
    const { priority, type } = parseIceCandidate(text);
    const terms = priorityTerms(priority);
    const { typePreference, localPreference, component } = terms;
    return html`<section class="panel" aria-labelledby="parts">
      <h3 id="parts">
        ${this.candidate === null ? 'A candidate, taken apart: an example' : 'A candidate, taken apart'}
      </h3>
      <p class="line">${text}</p>
      <p class="sum" aria-label="The sum of the priority">
        <span><span>type: ${type}</span>2²⁴ × ${typePreference}</span> +
        <span><span>among this side’s addresses</span>2⁸ × ${localPreference}</span> +
        <span><span>component</span>(256 − ${component})</span> =
        <span><span>priority</span>${priorityOf(terms)}</span>
      </p>
      <div class="fields" role="group" aria-label="Parts of the candidate">
        ${parts.map(
          (each, i) =>
            html`<button
              type="button"
              aria-pressed=${each === part}
              @click=${() => (this.index = i)}
            >
              <span>${each.name}</span><code>${each.value}</code>
            </button>`,
        )}
      </div>
      <div class="detail" aria-live="polite">
        <h4>${part.name}</h4>
        <p>${part.meaning}</p>
        <p class="caption">${part.clause}</p>
      </div>
      <details>
        <summary>The kinds of candidates</summary>
        <table>
          <tbody>
            ${KINDS.map(
              ([kind, words]) =>
                html`<tr>
                  <th scope="row">${kind}</th>
                  <td>${words}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </details>
    </section>`;
  }

  readonly #gather = (): void => {
    const value = (id: string): string =>
      this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)!.value.trim();
    const url = value('url');
    const own = { url, username: value('username'), credential: value('credential') };
    void this.gathering.run(url === '' ? null : own);
  };
}

function own(id: 'url' | 'username' | 'credential', label: string): TemplateResult {
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input
      id=${id}
      type=${id === 'credential' ? 'password' : 'text'}
      autocomplete="off"
      spellcheck="false"
    />
  </div>`;
}

/** Type, transport and address. */
function briefly(text: string): string {
  const { type, protocol, address, port } = parseIceCandidate(text);
  const host = address.includes(':') ? `[${address}]` : address;
  return `${type} ${protocol} ${host}:${port}`;
}

/** Why a server gave nothing. */
function nothingWords(
  url: string,
  errors: readonly GatheringError[],
  tookMs: number | null,
): string {
  if (tookMs === null) return 'Nothing yet.';
  if (errors.length > 0) return 'Nothing.';
  if (url.startsWith('stun:')) {
    return 'Nothing new: it saw one of the machine’s own addresses, so no NAT is between them (RFC 8445 §5.1.3); or it did not answer.';
  }
  return 'Nothing, and no error.';
}

function errorWords({ code, text, times }: GatheringError): TemplateResult {
  const { meaning, cure, clause } = iceErrorWords(code);
  return html`<p>
    <strong class="error">${code}</strong> ${meaning} ${cure}
    <span class="caption"
      >The browser says “${text}”${times > 1 ? `, ${times} times: once for each address` : ''}
      (${clause}).</span
    >
  </p>`;
}
