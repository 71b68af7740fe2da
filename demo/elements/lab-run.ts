import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { PRESETS } from '../link/settings.ts';
import type { LinkPresetId } from '../link/settings.ts';
import { linkWords } from '../page/link-words.ts';
import { DEFAULT_RUN, queryOf } from '../runs/address.ts';
import type { RunProgress, RunSettings } from '../runs/run.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';

const STAGES: Readonly<Record<RunProgress['stage'], string>> = {
  opening: 'opening the lanes',
  settling: 'letting them settle',
  measuring: 'measuring',
};

/** Plans runs, starts and stops them, and shows their progress. Fires `lab-plan` and `lab-run`. */
@customElement('lab-run')
export class LabRun extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .panel {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 0.875rem;
      }
      .plan {
        display: grid;
        grid-template-columns: repeat(3, minmax(6rem, 9rem)) minmax(16rem, 1fr);
        gap: 0.75rem 1rem;
        align-items: start;
      }
      .links {
        display: flex;
        flex-wrap: wrap;
        gap: 0.1rem 1rem;
      }
      .links label {
        display: inline-flex;
        gap: 0.4rem;
        align-items: center;
        min-height: 1.9rem;
        font-size: 0.9375rem;
      }
      .go {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto;
        gap: 0.5rem 1rem;
        align-items: center;
      }
      .go > button {
        min-width: 8.5rem;
      }
      progress {
        display: block;
        width: 100%;
        height: 0.5rem;
        margin-bottom: 0.3rem;
        accent-color: var(--in);
      }
      @media (max-width: 52rem) {
        .plan {
          grid-template-columns: repeat(3, minmax(0, 1fr));
        }
        .plan fieldset {
          grid-column: 1 / -1;
        }
        .go {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        }
        .go div {
          grid-row: 2;
          grid-column: 1 / -1;
          min-height: 4.5em;
        }
      }
    `,
  ];

  @property({ attribute: false }) settings: RunSettings = DEFAULT_RUN;
  @property({ attribute: false }) progress: RunProgress | null = null;
  /** A run is under way, or about to be. */
  @property({ type: Boolean }) active = false;
  @state() private copied = false;

  protected override render(): TemplateResult {
    const { settings, active, progress } = this;
    return html`<section class="panel" aria-labelledby="title">
      <div>
        <h2 id="title">A measured run</h2>
        <p class="caption">
          Measures all chosen lanes at once, over each network in turn, several times. Shows medians
          and ranges. Keep this page in front until it ends.
        </p>
      </div>
      <div class="plan">
        ${this.#number('seconds', 'Measured, s', 1, 600)}
        ${this.#number('settleSeconds', 'Before, s', 0, 60)}
        ${this.#number('repetitions', 'Repetitions', 1, 100)}
        <fieldset ?disabled=${active}>
          <legend>Networks: ${linkWords(settings.links[0]!)}, and</legend>
          <div class="links">${this.#linkChoices()}</div>
        </fieldset>
      </div>
      <div class="go">
        <button
          type="button"
          class=${active ? '' : 'primary'}
          @click=${() => fire(this, 'lab-run', undefined)}
        >
          ${active ? 'Stop the run' : 'Measure'}
        </button>
        <div>
          <progress max="1" .value=${done(progress)} aria-label="The run"></progress>
          <p class="caption" role="status">${active ? running(progress) : this.#duration()}</p>
        </div>
        <button type="button" @click=${this.#copy}>
          ${this.copied ? 'Copied' : 'Copy a link to these settings'}
        </button>
      </div>
    </section>`;
  }

  #number(
    name: 'seconds' | 'settleSeconds' | 'repetitions',
    label: string,
    min: number,
    max: number,
  ): TemplateResult {
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <input
        id=${name}
        type="number"
        inputmode="numeric"
        min=${min}
        max=${max}
        ?disabled=${this.active}
        .value=${String(this.settings[name])}
        @change=${(event: Event) => this.#setNumber(name, event.target as HTMLInputElement)}
      />
    </div>`;
  }

  #setNumber(name: 'seconds' | 'settleSeconds' | 'repetitions', input: HTMLInputElement) {
    if (input.checkValidity() && input.value !== '') {
      fire(this, 'lab-plan', { [name]: Math.round(input.valueAsNumber) });
    } else input.value = String(this.settings[name]);
  }

  #linkChoices(): TemplateResult[] {
    const [first, ...others] = this.settings.links;
    return (Object.keys(PRESETS) as LinkPresetId[])
      .filter((id) => id !== first!.name)
      .map(
        (id) =>
          html`<label>
            <input
              type="checkbox"
              .checked=${others.some(({ name }) => name === id)}
              @change=${(event: Event) => this.#chooseLink(id, event)}
            />${PRESETS[id].label}
          </label>`,
      );
  }

  #chooseLink(name: LinkPresetId, event: Event): void {
    const [first, ...others] = this.settings.links;
    const rest = others.filter((each) => each.name !== name);
    if ((event.target as HTMLInputElement).checked) {
      rest.push({ name, settings: PRESETS[name].settings });
    }
    fire(this, 'lab-plan', { links: [first!, ...rest] });
  }

  #duration(): string {
    const { seconds, settleSeconds, repetitions, links } = this.settings;
    // Opening the lanes and waiting for the last audio take some seconds each time.
    const whole = repetitions * links.length * (seconds + settleSeconds + 5);
    return `Takes about ${timeText(whole)}. Anything that is playing stops first.`;
  }

  readonly #copy = async (): Promise<void> => {
    const query = queryOf(this.settings);
    const address = `${location.origin}${location.pathname}${query === '' ? '' : `?${query}`}`;
    history.replaceState(null, '', address);
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      // Not allowed: it is in the address line all the same.
    }
    this.copied = true;
    setTimeout(() => (this.copied = false), 2000);
  };
}

function done(progress: RunProgress | null): number {
  if (progress === null) return 0;
  const { done: before, total, stage, share } = progress;
  const within =
    stage === 'opening' ? 0 : stage === 'settling' ? 0.1 + 0.1 * share : 0.2 + 0.8 * share;
  return (before + within) / total;
}

function running(progress: RunProgress | null): string {
  if (progress === null) return 'Starting.';
  const { done: before, total, link, stage, secondsLeft } = progress;
  const name = PRESETS[link as LinkPresetId]?.label ?? 'the network as set';
  return `${before + 1} of ${total}: ${name}, ${STAGES[stage]}. About ${timeText(secondsLeft)} left.`;
}

function timeText(seconds: number): string {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}
