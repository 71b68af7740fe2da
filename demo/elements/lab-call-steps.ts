import type { CallStep, CallStepName, CallStepState } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { milliseconds } from '../page/format.ts';
import { controls } from '../styles/controls.ts';

/** What each step is called, and what happens in it. */
export const STEP_WORDS: Readonly<Record<CallStepName, readonly [name: string, what: string]>> = {
  create: ['Create', 'The connection and what it will carry.'],
  signal: ['Signal', 'Offer and answer are exchanged.'],
  ice: ['ICE', 'Addresses are tried in pairs until one works.'],
  media: ['Media', 'Keys are agreed on; the first audio arrives.'],
  data: ['Data', 'Data channels open.'],
  close: ['Close', 'One side hangs up.'],
};

const SIGNS: Readonly<Record<CallStepState, string>> = {
  waiting: '○',
  active: '◌',
  done: '●',
  failed: '✕',
  skipped: '–',
};

/** The six steps of a call on one scale of time, with what happened in each. */
@customElement('lab-call-steps')
export class LabCallSteps extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        border-top: 1px solid var(--line);
      }
      li:first-child {
        border-top: 0;
      }
      summary {
        display: grid;
        grid-template-columns: 1.25rem 4.5rem minmax(0, 1fr) 9.5rem;
        gap: 0 0.75rem;
        align-items: center;
        min-height: 2.25rem;
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      .name {
        font-weight: 600;
      }
      .sign {
        color: var(--ink-soft);
        text-align: center;
      }
      .done .sign,
      .active .sign {
        color: var(--in);
      }
      .failed .sign,
      .failed .time {
        color: var(--alert);
      }
      .track {
        position: relative;
        height: 0.75rem;
        border-radius: 3px;
        background: var(--sunken);
        overflow: hidden;
      }
      .bar {
        position: absolute;
        top: 0;
        bottom: 0;
        min-width: 3px;
        border-radius: 2px;
        background: var(--in);
        forced-color-adjust: none;
      }
      .failed .bar {
        background: var(--alert);
      }
      .time {
        font-size: var(--small);
        text-align: right;
        white-space: nowrap;
      }
      .moments {
        display: grid;
        grid-template-columns: 6.5rem minmax(0, 1fr);
        gap: 0.1rem 0.75rem;
        margin: 0 0 0.75rem 2rem;
        font-size: var(--small);
      }
      .moments dt {
        text-align: right;
      }
      .moments dd {
        margin: 0;
        overflow-wrap: anywhere;
      }
      @media (max-width: 44rem) {
        summary {
          grid-template-columns: 1.25rem 4rem minmax(0, 1fr);
        }
        .time {
          grid-column: 2 / -1;
          text-align: left;
        }
        .moments {
          grid-template-columns: 5rem minmax(0, 1fr);
          margin-left: 0;
        }
      }
    `,
  ];

  @property({ attribute: false }) steps: readonly CallStep[] = [];

  protected override render(): TemplateResult {
    // Once it is up a call may last: its end has no place on the scale of its beginning.
    const connecting = this.steps.filter(({ name }) => name !== 'close');
    const end = Math.max(1, ...connecting.map(({ startMs, endMs }) => endMs ?? startMs ?? 0));
    return html`<ol aria-label="Steps of the call">
      ${this.steps.map((step) => this.#step(step, end))}
    </ol>`;
  }

  #step(step: CallStep, end: number): TemplateResult {
    const { name, state, moments } = step;
    const [label, what] = STEP_WORDS[name];
    return html`<li class=${state}>
      <details>
        <summary title=${what}>
          <span class="sign" aria-hidden="true">${SIGNS[state]}</span>
          <span class="name">${label}</span>
          <span class="track" aria-hidden="true">${barOf(step, end)}</span>
          <span class="time number">${timeOf(step)}</span>
        </summary>
        <dl class="moments">
          <dt></dt>
          <dd class="caption">${what}</dd>
          ${moments.map(
            ({ atMs, text }) =>
              html`<dt class="number">${milliseconds(atMs)} ms</dt>
                <dd>${text}</dd>`,
          )}
        </dl>
      </details>
    </li>`;
  }
}

function barOf({ startMs, endMs, name }: CallStep, end: number): TemplateResult | typeof nothing {
  if (startMs === null || name === 'close') return nothing;
  const to = endMs ?? end;
  const left = (startMs / end) * 100;
  const width = ((to - startMs) / end) * 100;
  return html`<span class="bar" .style="left: min(${left}%, 100% - 3px); width: ${width}%"></span>`;
}

function timeOf({ startMs, endMs, state, name }: CallStep): string {
  if (state === 'waiting' || state === 'skipped' || startMs === null) return state;
  if (name === 'close') return `at ${(startMs / 1000).toFixed(1)} s`;
  if (endMs === null) return `since ${milliseconds(startMs)} ms`;
  return `${milliseconds(startMs)} – ${milliseconds(endMs)} ms`;
}
