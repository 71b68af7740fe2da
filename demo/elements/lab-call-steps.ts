import type { CallStep, CallStepName, CallStepState } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { milliseconds } from '../page/format.ts';
import type { BarPlace } from '../page/step-scale.ts';
import { StepScale } from '../page/step-scale.ts';
import { controls } from '../styles/controls.ts';

/** What each step is called, and what happens in it. */
export const STEP_WORDS: Readonly<Record<CallStepName, readonly [name: string, what: string]>> = {
  create: ['Create', 'The connection and what it will carry.'],
  signal: ['Signal', 'Offer and answer are exchanged.'],
  ice: ['ICE', 'Addresses are tried in pairs until one works. ICE restarts are listed here too.'],
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
      .wait {
        background: repeating-linear-gradient(115deg, var(--in) 0 4px, transparent 4px 9px);
        opacity: 0.7;
      }
      .failed .wait {
        background: repeating-linear-gradient(115deg, var(--alert) 0 4px, transparent 4px 9px);
      }
      .origin {
        margin: 0.3rem 0 0;
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
    const scale = new StepScale(this.steps);
    return html`<ol aria-label="Steps of the call">
        ${this.steps.map((step) => this.#step(step, scale))}
      </ol>
      <p class="caption origin">${originWords(scale)}</p>`;
  }

  #step(step: CallStep, scale: StepScale): TemplateResult {
    const { name, state, moments } = step;
    const [label, what] = STEP_WORDS[name];
    return html`<li class=${state}>
      <details>
        <summary title=${what}>
          <span class="sign" aria-hidden="true">${SIGNS[state]}</span>
          <span class="name">${label}</span>
          <span class="track" aria-hidden="true">${barsOf(step, scale)}</span>
          <span class="time number">${timeOf(step, scale)}</span>
        </summary>
        <dl class="moments">
          <dt></dt>
          <dd class="caption">${what}</dd>
          ${moments.map(
            ({ atMs, text }) =>
              html`<dt class="number">${milliseconds(scale.since(atMs))} ms</dt>
                <dd>${text}</dd>`,
          )}
        </dl>
      </details>
    </li>`;
  }
}

function barsOf(step: CallStep, scale: StepScale): TemplateResult {
  const { wait, bar } = scale.place(step);
  return html`${barOf(wait, 'bar wait')}${barOf(bar, 'bar')}`;
}

function barOf(place: BarPlace | null, look: string): TemplateResult | typeof nothing {
  if (place === null) return nothing;
  const left = place.from * 100;
  const width = (place.to - place.from) * 100;
  return html`<span
    class=${look}
    .style="left: min(${left}%, 100% - 3px); width: ${width}%"
  ></span>`;
}

function originWords({ waitedMs }: StepScale): string {
  if (waitedMs === 0) return 'Times count from when this side made the call.';
  return waitedMs === null
    ? 'The broken bar is the wait for the other side. Times will count from when both are there.'
    : `Times count from when both sides were there. The broken bar is the wait for the other one: ${(waitedMs / 1000).toFixed(1)} s.`;
}

function timeOf({ startMs, endMs, state, name, waitedMs }: CallStep, scale: StepScale): string {
  if (state === 'waiting' || state === 'skipped' || startMs === null) return state;
  if (name === 'close') return `at ${(scale.since(startMs) / 1000).toFixed(1)} s`;
  if (name === 'create' && scale.waitedMs !== 0) return 'before';
  if (name === 'signal' && scale.waitedMs !== 0) {
    if (waitedMs === null) return 'waiting';
    return endMs === null ? 'since 0.0 ms' : `0.0 – ${milliseconds(scale.since(endMs))} ms`;
  }
  const start = milliseconds(scale.since(startMs));
  return endMs === null ? `since ${start} ms` : `${start} – ${milliseconds(scale.since(endMs))} ms`;
}
