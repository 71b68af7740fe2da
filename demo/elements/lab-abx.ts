import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { AbxButton } from '../page/abx.ts';
import type { Trim } from '../audio/mixer.ts';
import { AbxTest, trimOf } from '../page/abx.ts';
import type { Heard } from '../lanes/comparison.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import type { LaneView } from '../lanes/lane-slot.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';

/** Below this the guesses are hardly luck. */
const SIGNIFICANT = 0.05;

/** Plays two lanes, and one of them unnamed. Fires `lab-hear`, and `blind` when it begins or ends. */
@customElement('lab-abx')
export class LabAbx extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .panel {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 0.75rem;
        align-content: start;
        height: 100%;
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 0.875rem;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
      .buttons button {
        flex: 1 1 5rem;
      }
      .abx {
        font-family: var(--mono);
        font-weight: 600;
      }
      .score {
        min-height: 2.9em;
      }
    `,
  ];

  @property({ attribute: false }) lanes: readonly LaneView[] = [];
  @property({ attribute: false }) heard: Heard = null;
  @state() private a: LaneId = 'opus-rtp-dc';
  @state() private b: LaneId = 'webrtc';
  @state() private pressed: AbxButton | null = null;
  @state() private last: boolean | null = null;
  /** By pair: guesses of a pair are kept while another one is tried. */
  readonly #tests = new Map<string, AbxTest>();

  /** Whether to hide which lane is heard. */
  get blind(): boolean {
    return this.pressed === 'X';
  }

  get #test(): AbxTest {
    const pair = `${this.a} ${this.b}`;
    let test = this.#tests.get(pair);
    if (test === undefined) {
      test = new AbxTest(this.a, this.b);
      this.#tests.set(pair, test);
    }
    return test;
  }

  /** What makes both lanes alike in time and level; null while one of them is not there, or not known well enough. */
  get #trims(): ReadonlyMap<LaneId, Trim> | null {
    const [a, b] = [this.a, this.b].map((id) => this.lanes.find((view) => view.id === id));
    if (!a?.lane || !b?.lane || a === b) return null;
    const own = trimOf(a.figures, b.figures);
    const other = trimOf(b.figures, a.figures);
    if (own === null || other === null) return null;
    return new Map([
      [a.id, own],
      [b.id, other],
    ]);
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    // One of the two has stopped, or is being opened again: the lanes no longer match.
    if (this.pressed !== null && this.#trims === null) this.press(null);
    if (!changed.has('heard')) return;
    // Another lane was chosen elsewhere.
    if (this.pressed !== null && this.heard !== this.#test.laneOf(this.pressed)) this.press(null);
  }

  protected override render(): TemplateResult {
    const { a, b, pressed } = this;
    const ready = this.#trims !== null;
    return html`<section class="panel" aria-labelledby="title">
      <div>
        <h2 id="title">Blind, A/B/X</h2>
        <p class="caption">
          X is A or B, at random. Can you tell which? Both play at the delay of the later one, and
          at the level of the quieter one.
        </p>
      </div>
      <div class="pair">${this.#choice('A', a)} ${this.#choice('B', b)}</div>
      <div class="buttons">
        ${(['A', 'B', 'X'] as const).map(
          (button) =>
            html`<button
              type="button"
              class="abx"
              aria-pressed=${pressed === button}
              aria-keyshortcuts=${button.toLowerCase()}
              ?disabled=${!ready}
              @click=${() => this.press(pressed === button ? null : button)}
            >
              ${button}
            </button>`,
        )}
        <button type="button" ?disabled=${!ready} @click=${() => this.#guess('A')}>X is A</button>
        <button type="button" ?disabled=${!ready} @click=${() => this.#guess('B')}>X is B</button>
      </div>
      <p class="score caption" role="status">${this.#score(ready)}</p>
    </section>`;
  }

  /** Acts as if that button had been pressed; null: no button. @returns whether the comparison is possible now */
  press(button: AbxButton | null): boolean {
    const trims = this.#trims;
    if (button !== null && trims === null) return false;
    if (button === this.pressed) return true;
    this.pressed = button;
    this.dispatchEvent(new CustomEvent('blind', { detail: this.blind }));
    if (button !== null) this.#hear(button);
    return true;
  }

  #hear(button: AbxButton): void {
    const trims = this.#trims;
    const heard = this.#test.laneOf(button);
    fire(this, 'lab-hear', { heard, ...(trims !== null && { trims }) });
  }

  #choice(button: 'A' | 'B', chosen: LaneId): TemplateResult {
    return html`<div class="field">
      <label for=${button}>${button}</label>
      <select id=${button} @change=${(event: Event) => this.#choose(button, event)}>
        ${this.lanes.map(
          ({ id, kind, state: is }) =>
            html`<option value=${id} .selected=${id === chosen} ?disabled=${is === 'unavailable'}>
              ${kind.label}
            </option>`,
        )}
      </select>
    </div>`;
  }

  #choose(button: 'A' | 'B', event: Event): void {
    const id = (event.target as HTMLSelectElement).value as LaneId;
    if (button === 'A') this.a = id;
    else this.b = id;
    this.last = null;
    this.press(null);
  }

  #guess(what: 'A' | 'B'): void {
    this.last = this.#test.guess(what);
    if (this.pressed === 'X') this.#hear('X');
    this.requestUpdate();
  }

  #score(ready: boolean): string {
    const { last } = this;
    const test = this.#test;
    if (!ready) {
      return this.a === this.b
        ? 'Choose two lanes.'
        : 'Both lanes must have played for some seconds.';
    }
    const { right, guesses, chance } = test;
    if (guesses === 0) return 'Press X, listen, compare, then guess. Then X is drawn again.';

    const percent = chance < 0.01 ? 'less than 1 %' : `${Math.round(chance * 100)} %`;
    const verdict = chance < SIGNIFICANT ? 'You hear a difference.' : 'That may be luck so far.';
    const words = last === null ? '' : last ? 'Right. ' : 'Wrong. ';
    return `${words}${right} of ${guesses} right: by chance alone, ${percent}. ${verdict}`;
  }
}
