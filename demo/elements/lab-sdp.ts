import { explainSdp } from 'micwire/sdp';
import type { ExplainedSdpLine } from 'micwire/sdp';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { controls } from '../styles/controls.ts';

/** Offer and answer beside each other, each line with what it means. */
@customElement('lab-sdp')
export class LabSdp extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .sides {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 1rem;
      }
      h4 {
        margin: 0 0 0.3rem;
        font-size: 0.875rem;
        font-weight: 600;
      }
      .side {
        min-width: 0;
      }
      .lines {
        height: 24rem;
        margin: 0;
        padding: 0.5rem 0.75rem;
        border-radius: var(--radius);
        background: var(--sunken);
        overflow-y: auto;
        list-style: none;
      }
      .section {
        margin-top: 0.75rem;
        padding-top: 0.5rem;
        border-top: 1px solid var(--line-strong);
      }
      li {
        padding: 0.15rem 0;
      }
      code {
        display: block;
        color: var(--in);
        font: var(--small) / 1.45 var(--mono);
        overflow-wrap: anywhere;
      }
      .other code {
        padding-left: 0.4rem;
        border-left: 3px solid var(--out);
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1.5rem;
        margin-bottom: 0.5rem;
      }
      label {
        display: inline-flex;
        gap: 0.4rem;
        align-items: center;
        min-height: 2rem;
        font-size: var(--small);
      }
      .mark {
        display: inline-block;
        width: 3px;
        height: 1em;
        background: var(--out);
      }
      @media (max-width: 52rem) {
        .sides {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property() offer: string | null = null;
  @property() answer: string | null = null;
  @state() private explained = true;

  protected override render(): TemplateResult {
    const [offer, answer] = [linesOf(this.offer), linesOf(this.answer)];
    return html`<div class="head">
        <label
          ><input
            type="checkbox"
            .checked=${this.explained}
            @change=${(event: Event) =>
              (this.explained = (event.target as HTMLInputElement).checked)}
          />Explain each line</label
        >
        <span class="caption">
          <span class="mark" aria-hidden="true"></span> different in the other one
        </span>
      </div>
      <div class="sides">
        ${this.#side('Offer (from the caller)', offer, answer)}
        ${this.#side('Answer (from the callee)', answer, offer)}
      </div>`;
  }

  #side(
    title: string,
    lines: readonly ExplainedSdpLine[],
    others: readonly ExplainedSdpLine[],
  ): TemplateResult {
    const there = new Set(others.map(({ text, section }) => `${section} ${text}`));
    return html`<div class="side">
      <h4>${title}</h4>
      <ol class="lines" tabindex="0" aria-label=${title}>
        ${lines.length === 0 ? html`<li class="caption">There is none yet.</li>` : ''}
        ${lines.map(({ text, explanation, type, section }) => {
          const same = others.length === 0 || there.has(`${section} ${text}`);
          return html`<li class="${type === 'm' ? 'section' : ''} ${same ? '' : 'other'}">
            <code>${text}</code>
            ${this.explained ? html`<span class="caption">${explanation}</span>` : ''}
          </li>`;
        })}
      </ol>
    </div>`;
  }
}

const cache = new Map<string, readonly ExplainedSdpLine[]>();
const CACHED = 16;

/** Explained once: descriptions do not change, and are drawn again and again. */
function linesOf(sdp: string | null): readonly ExplainedSdpLine[] {
  if (sdp === null) return [];
  let lines = cache.get(sdp);
  if (lines !== undefined) return lines;
  try {
    ({ lines } = explainSdp(sdp));
  } catch {
    // The other side's: it may be anything.
    lines = [];
  }
  if (cache.size >= CACHED) cache.clear();
  cache.set(sdp, lines);
  return lines;
}
