import { NAT_KINDS, describeNat } from 'micwire/nat';
import type { CandidateVerdict, NatKind } from 'micwire/nat';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { RoomCallSettings, ServerChoice } from '../controllers/room-call.ts';
import { RoomCall } from '../controllers/room-call.ts';
import { count, milliseconds } from '../page/format.ts';
import { microphoneView } from '../page/microphone-view.ts';
import { microphoneStatus } from '../page/status.ts';
import { controls } from '../styles/controls.ts';
import { roomStyles } from '../styles/room-layout.ts';
import './lab-call.ts';
import type { CallEnd } from './lab-call.ts';
import type { LabEvent } from './fire.ts';
import './lab-microphone.ts';
import './lab-strip.ts';
import { selectOption } from './templates.ts';

const ROUTERS: Readonly<Record<RoomCallSettings['router'], string>> = {
  none: 'None',
  'full-cone': 'Lets anybody in (full cone)',
  'address-restricted': 'Lets in known addresses (address-restricted)',
  'port-restricted': 'Lets in known addresses and ports (port-restricted)',
  symmetric: 'Another port for each destination (symmetric)',
};

/** What this side's candidates say about its NAT. */
const VERDICTS: Readonly<Record<CandidateVerdict['mapping'], string>> = {
  'endpoint-independent':
    'Its candidates show that this side has the same port outside for every destination.',
  dependent: 'Its candidates show that this side has another port outside for each destination.',
  unknown: '',
};

const SERVERS: Readonly<Record<ServerChoice, string>> = {
  none: 'None',
  lab: 'The lab’s own',
  own: 'Others',
};

/** A call with another tab or another machine, through the lab's signalling, and everything that can be seen of it. */
@customElement('lab-room')
export class LabRoom extends LitElement {
  static override styles: CSSResultGroup = [controls, roomStyles];

  /** Audio lives here; the element draws it. Public for tests. */
  readonly calling: RoomCall = new RoomCall(this, roomOf(location.search));
  #ends: readonly CallEnd[] = [];

  protected override willUpdate(): void {
    const { call } = this.calling;
    if (call !== null && call !== this.#ends[0]?.call) this.#ends = [{ label: 'This side', call }];
  }

  protected override render(): TemplateResult {
    const { settings, phase } = this.calling;
    const there = `${location.origin}${location.pathname}?room=${encodeURIComponent(settings.room)}#call`;
    const { desk } = this.calling;
    return html`<main
      @lab-device=${({ detail }: LabEvent<'lab-device'>) => void desk.use(detail.deviceId)}
      @lab-mute=${({ detail }: LabEvent<'lab-mute'>) => void desk.mute(detail.keep)}
      @lab-measure-echo=${() => void desk.measureEcho()}
    >
      <section class="panel" aria-labelledby="title">
        <div class="bar">
          <button
            type="button"
            class="start ${phase === 'idle' ? 'primary' : ''}"
            @click=${this.#toggle}
          >
            ${phase === 'idle' ? 'Start' : 'Hang up'}
          </button>
          <div>
            <h2 id="title">A call between two tabs, or two machines</h2>
            <p role="status">${this.#status()}</p>
            <p class="caption ping">${this.#pingWords()}</p>
          </div>
          <a href=${there} target="_blank" rel="noopener">Open the other side</a>
        </div>
        <div class="strips">
          <div>
            <span class="caption">You send</span>
            <lab-strip .node=${this.calling.sent} name="Sent" colour="--in"></lab-strip>
          </div>
          <div>
            <span class="caption">You hear</span>
            <lab-strip .node=${this.calling.heard} name="Heard" colour="--out"></lab-strip>
          </div>
        </div>
        <fieldset class="settings" ?disabled=${phase !== 'idle'}>
          <legend class="unseen">Settings</legend>
          ${this.#text('room', 'Room, the same on both sides', '[A-Za-z0-9_\\-]{1,64}')}
          ${this.#select('sound', 'Source', { speech: 'Speech', microphone: 'Microphone' })}
          ${this.#select('servers', 'STUN and TURN servers', SERVERS)}
          ${this.#select('policy', 'Allowed routes', {
            all: 'Any',
            relay: 'Only through a TURN server',
          })}
          ${this.#select('router', 'Simulated router on this side', ROUTERS)}
          ${settings.servers === 'own' && settings.router === 'none' ? this.#ownServers() : nothing}
          <label class="check">
            <input
              type="checkbox"
              .checked=${settings.redundancy}
              @change=${(event: Event) =>
                this.calling.configure({
                  redundancy: (event.target as HTMLInputElement).checked,
                })}
            />Packets carry the previous one (RED)
          </label>
        </fieldset>
        ${settings.router === 'none' ? nothing : this.#routerNote(settings.router)}
        ${
          settings.sound === 'microphone'
            ? html`<lab-microphone .view=${microphoneView(desk, true)}></lab-microphone>`
            : nothing
        }
      </section>
      ${
        this.#ends.length === 0
          ? nothing
          : html`<section class="panel" aria-label="The call, step by step">
              <lab-call
                .ends=${this.#ends}
                .servers=${this.calling.servers}
                .iceErrors=${this.calling.iceErrors}
                .captured=${this.calling.captured}
              ></lab-call>
            </section>`
      }
    </main>`;
  }

  #routerNote(router: NatKind): TemplateResult {
    const { verdict } = this.calling;
    return html`<p class="caption" id="router-note">
      ${describeNat(NAT_KINDS[router])} The other side needs a simulated router too. Its own STUN
      and TURN servers take the place of those chosen.
      ${verdict === null ? '' : VERDICTS[verdict.mapping]}
    </p>`;
  }

  #ownServers(): TemplateResult {
    return html`${this.#text('urls', 'Addresses, such as turn:example.org')}
    ${this.#text('username', 'User')} ${this.#text('credential', 'Password')}`;
  }

  #text(
    name: 'room' | 'urls' | 'username' | 'credential',
    label: string,
    pattern = '.*',
  ): TemplateResult {
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <input
        id=${name}
        type=${name === 'credential' ? 'password' : 'text'}
        autocomplete="off"
        spellcheck="false"
        pattern=${pattern}
        .value=${this.calling.settings[name]}
        @change=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          if (input.reportValidity()) this.calling.configure({ [name]: input.value });
        }}
      />
    </div>`;
  }

  #select<Name extends 'sound' | 'servers' | 'policy' | 'router'>(
    name: Name,
    label: string,
    labels: Readonly<Record<RoomCallSettings[Name], string>>,
  ): TemplateResult {
    const values = Object.entries(labels) as [RoomCallSettings[Name], string][];
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <select
        id=${name}
        @change=${(event: Event) =>
          this.calling.configure({ [name]: (event.target as HTMLSelectElement).value })}
      >
        ${values.map(([value, text]) => selectOption(value, text, this.calling.settings[name]))}
      </select>
    </div>`;
  }

  #status(): string {
    const { phase, problem, call, settings, desk } = this.calling;
    const { microphone } = desk;
    const trouble = microphone && microphoneStatus(microphone, () => {});
    const told = trouble === null ? '' : ` ${trouble.title} ${trouble.detail}`;
    if (phase === 'up' && call?.state === 'reconnecting') {
      return 'The path to the other side is lost. ICE restarts, to find another one.';
    }
    if (phase === 'up') {
      return `Connected.${told || ' Wear headphones where the microphone is on.'}`;
    }
    if (phase === 'busy') {
      return (call?.role ?? null) === null
        ? `In room “${settings.room}”, waiting for the other side.${told}`
        : `The other side is there: connecting.${told}`;
    }
    if (problem !== '') return problem;
    return 'Press Start, open the other side, and press Start there.';
  }

  /** What the data channel of the call says. */
  #pingWords(): string {
    const { pings } = this.calling;
    const { times } = pings;
    if (times === null || this.calling.phase !== 'up') return '';
    const { missing } = pings.counts(performance.now());
    const lost = missing === 0 ? '' : `, ${count(missing)} not back`;
    return `Data channel: round trip ${milliseconds(times.medianMs)} ms${lost}.`;
  }

  readonly #toggle = (): void => {
    if (this.calling.phase === 'idle') void this.calling.start();
    else this.calling.hangUp();
  };
}

/** The room that the address names, or one of its own. */
function roomOf(query: string): string {
  const asked = new URLSearchParams(query).get('room') ?? '';
  if (/^[A-Za-z0-9_-]{1,64}$/.test(asked)) return asked;
  return `room-${crypto.getRandomValues(new Uint32Array(1))[0]!.toString(36).slice(0, 5)}`;
}
