import type { Call } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { LaneId } from '../lanes/lane-ids.ts';
import type { LaneView } from '../lanes/lane-slot.ts';
import type { CallEnds } from '../lanes/lane.ts';
import { controls } from '../styles/controls.ts';
import './lab-call.ts';
import type { CallEnd } from './lab-call.ts';
import { saveFile, timeName } from './save-file.ts';
import { selectOption } from './templates.ts';

/** The WebRTC path of the lanes that have one, made visible. */
@customElement('lab-lane-calls')
export class LabLaneCalls extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .content {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 1rem;
        margin-top: 0.5rem;
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem 1.5rem;
        align-items: center;
        justify-content: space-between;
      }
      .field {
        min-width: 14rem;
      }
      summary {
        min-height: 2rem;
        cursor: pointer;
      }
      h2 {
        display: inline;
      }
    `,
  ];

  @property({ attribute: false }) lanes: readonly LaneView[] = [];
  /** Returns a capture file (pcapng) of a lane's call, or null if there is none. */
  @property({ attribute: false }) capture: (lane: LaneId) => Promise<Uint8Array | null> = () =>
    Promise.resolve(null);
  /** Why nothing was saved, in a sentence; else empty. */
  @state() private problem = '';
  @state() private chosen: LaneId = 'webrtc';
  @state() private open = false;
  #ends: readonly CallEnd[] = [];
  #endsOf: CallEnds<Call> | null = null;

  protected override willUpdate(): void {
    const view = this.lanes.find(({ id }) => id === this.chosen);
    const call = view?.lane?.call ?? null;
    // What is known of a call stays when it has ended.
    if (call === null || call === this.#endsOf) return;
    this.#endsOf = call;
    this.#ends = [
      { label: 'Sender', call: call.sender },
      { label: 'Receiver', call: call.receiver },
    ];
  }

  protected override render(): TemplateResult {
    const family = this.lanes.filter(({ kind }) => {
      return kind.family === 'webrtc' || kind.path.includes('data channel');
    });
    return html`<details class="panel" ?open=${this.open} @toggle=${this.#toggled}>
      <summary><h2>The WebRTC path, step by step</h2></summary>
      ${this.open ? this.#content(family) : ''}
    </details>`;
  }

  #content(family: readonly LaneView[]): TemplateResult {
    return html`<div class="content">
      <div class="head">
        <p class="caption">
          Both ends are in this page; the simulated network above is the only path between them.
        </p>
        <div class="field">
          <label for="lane">Lane</label>
          <select id="lane" @change=${this.#choose}>
            ${family.map(({ id, kind }) => selectOption(id, kind.label, this.chosen))}
          </select>
        </div>
      </div>
      ${
        this.#ends.length === 0
          ? html`<p>Nothing yet: press Start with this lane switched on.</p>`
          : html`<p>
                <button type="button" @click=${this.#save}>Save the call for Wireshark</button>
                <span class="caption" role="status"
                  >${
                    this.problem ||
                    'A pcapng file of what passed the simulated network, its first 512 KiB: STUN, DTLS and SRTP.'
                  }</span
                >
              </p>
              <lab-call .ends=${this.#ends}></lab-call>`
      }
    </div>`;
  }

  readonly #toggled = (event: Event): void => {
    this.open = (event.target as HTMLDetailsElement).open;
  };

  readonly #save = async (): Promise<void> => {
    const lane = this.chosen;
    const file = await this.capture(lane).catch(() => null);
    this.problem =
      file === null ? 'There is nothing to save: this call did not pass a simulated network.' : '';
    if (file !== null) {
      const bytes = new Uint8Array(file);
      saveFile(`micwire-${lane}-${timeName()}.pcapng`, 'application/octet-stream', bytes);
    }
  };

  readonly #choose = (event: Event): void => {
    this.problem = '';
    this.chosen = (event.target as HTMLSelectElement).value as LaneId;
    this.#ends = [];
    this.#endsOf = null;
  };
}
