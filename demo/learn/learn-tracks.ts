import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { Ticker } from '../controllers/ticker.ts';
import { controls } from '../styles/controls.ts';
import { figure } from './figure.ts';
import type { LearnVoice } from './learn-voice.ts';
import { learnPageStyles } from './page-styles.ts';
import { TrackBench } from './track-bench.ts';
import type { ConnectionConsumer } from './track-consumers.ts';
import { levelText } from './track-consumers.ts';
import type { TrackMember } from './track-members.ts';
import { EXAMPLE_TRACK, trackMembers } from './track-members.ts';
import type { ConsumerId, TrackCondition } from './track-rules.ts';
import { TRACK_RULES } from './track-rules.ts';
import { tracksStyles } from './tracks-styles.ts';
import { VoiceUse } from './voice-use.ts';
import { errorText } from '../../src/core/errors.ts';

/** Levels change faster than they can be read, and slower than they are measured. */
const REDRAW_MS = 150;
/** The lower end of the bars, dBFS. */
const FLOOR_DBFS = -60;

const CONSUMERS: readonly (readonly [id: ConsumerId, name: string])[] = [
  ['element', 'An <audio> element'],
  ['node', 'A MediaStreamAudioSourceNode'],
  ['connection', 'An RTCPeerConnection'],
  ['recorder', 'A MediaRecorder'],
];

const CONDITIONS: Readonly<Record<TrackCondition, string>> = {
  live: 'The track is live and enabled: every consumer gets the audio.',
  disabled:
    'enabled is false: this is how an app mutes. It works at once, and needs no permission to undo. The device stays open.',
  removed:
    'The track is no longer in the stream, but as live as before. Consumers of the track do not notice; consumers of the stream do.',
  ended:
    'The track has ended, for good: a page must ask for another one. stop() fires no “ended” event; that event reports endings that the page has not caused.',
};

/** What a track is, and who consumes it. */
@customElement('lab-learn-tracks')
export class LabLearnTracks extends LitElement {
  static override styles: CSSResultGroup = [controls, learnPageStyles, tracksStyles];

  @property({ attribute: false }) voice!: LearnVoice;
  /** The track lives here. Public for tests. */
  readonly bench: TrackBench = new TrackBench(() => this.requestUpdate());
  /** The connection that is being negotiated again: once closed, it never settles. */
  @state() private busy: ConnectionConsumer | null = null;

  constructor() {
    super();
    new VoiceUse(this);
    new Ticker(this, REDRAW_MS);
  }

  protected override render(): TemplateResult {
    const { volume, muted } = this.voice;
    this.bench.setVolume(muted ? 0 : volume ** 2);
    return html`${this.#states()} ${this.#consumers()} ${this.#members()}`;
  }

  #states(): TemplateResult {
    const { track, clone, condition, origin } = this.bench;
    const off = track === null;
    const isIn = condition !== 'removed';
    return html`<section class="panel" aria-labelledby="track">
      <h3 id="track">A track, and what can be done with it</h3>
      <p class="prose">
        A MediaStreamTrack connects a source, such as a microphone, to its consumers: elements,
        nodes, calls and recorders. A MediaStream is no more than a set of tracks.
        ${off ? 'Press Start for a track of your own voice.' : origin}
      </p>
      <dl class="figures">
        ${figure('readyState', track?.readyState ?? '–')}
        ${figure('enabled', track === null ? '–' : String(track.enabled))}
        ${figure('muted', track === null ? '–' : String(track.muted))}
      </dl>
      <div class="acts" role="group" aria-label="What to do with the track">
        <button
          type="button"
          aria-pressed=${track?.enabled === false}
          ?disabled=${off}
          @click=${() => this.#change(() => (track!.enabled = !track!.enabled))}
        >
          track.enabled = ${track?.enabled === false ? 'true' : 'false'}
        </button>
        <button
          type="button"
          ?disabled=${off || condition === 'ended'}
          @click=${() => this.#change(() => track!.stop())}
        >
          track.stop()
        </button>
        <button
          type="button"
          aria-pressed=${!isIn}
          ?disabled=${off || condition === 'ended'}
          @click=${() => this.bench.setInStream(!isIn)}
        >
          stream.${isIn ? 'removeTrack' : 'addTrack'}(track)
        </button>
        <button
          type="button"
          ?disabled=${off || clone !== null || condition === 'ended'}
          @click=${() => void this.bench.makeClone()}
        >
          track.clone()
        </button>
        <button type="button" ?disabled=${off} @click=${() => void this.voice.reopen()}>
          Start again
        </button>
      </div>
      <p class="condition prose" aria-live="polite">
        ${off ? 'Nothing runs yet.' : CONDITIONS[condition]}
      </p>
      <p class="caption">
        A page cannot set <code>muted</code>: the source does, as with a key of the headset, a
        switch of the system, or a call that takes the microphone. Below,
        <code>removeTrack(sender)</code> mutes the track at the other end of the call.
      </p>
    </section>`;
  }

  #consumers(): TemplateResult {
    const { clone, problem } = this.bench;
    return html`<section class="panel" aria-labelledby="consumers">
      <h3 id="consumers">Who consumes it</h3>
      <p class="prose">
        Press a consumer to switch it on, then use the buttons above. The bar shows what a consumer
        gets now; the sentence is what the standards say about it. Browsers differ, most of all in
        what they do when a track has ended. Only the audio element is heard.
      </p>
      ${problem === '' ? nothing : html`<p role="alert">${problem}</p>`}
      <ol class="consumers">
        ${CONSUMERS.map(([id, name]) => this.#consumer(id, name))}
        ${clone === null ? nothing : this.#consumer('clone', 'A node on the clone')}
      </ol>
    </section>`;
  }

  #consumer(id: ConsumerId, name: string): TemplateResult {
    const { bench } = this;
    const consumer = bench.consumer(id);
    const isOn = bench.wanted.has(id);
    const level = consumer?.levelDbfs ?? null;
    const shown = Math.max(FLOOR_DBFS, level ?? FLOOR_DBFS);
    const { text, clause } = TRACK_RULES[id][bench.condition];
    return html`<li class=${id}>
      <div class="switch">
        <h4>${name}</h4>
        <button
          type="button"
          aria-pressed=${isOn}
          aria-label="${name}: ${isOn ? 'on' : 'off'}"
          ?disabled=${bench.track === null}
          @click=${() => void bench.toggle(id)}
        >
          ${isOn ? 'On' : 'Off'}
        </button>
        ${id === 'connection' ? this.#sending() : nothing}
        ${id === 'clone' ? this.#cloneActs() : nothing}
      </div>
      <div class="got">
        <div class="level">
          <div
            class="bar"
            role="meter"
            aria-label="Level of: ${name}"
            aria-valuemin=${FLOOR_DBFS}
            aria-valuemax="0"
            aria-valuenow=${Math.round(shown)}
            aria-valuetext=${levelText(level)}
          >
            <i .style="width: ${(1 - shown / FLOOR_DBFS) * 100}%"></i>
          </div>
          <b>${levelText(level)}</b>
        </div>
        <ul class="facts" aria-label="What it says of itself">
          ${(consumer?.facts ?? []).map((fact) => html`<li>${fact}</li>`)}
        </ul>
        <p>
          ${text}
          <a class="caption" href=${clause.url} target="_blank" rel="noreferrer">${clause.label}</a>
        </p>
      </div>
    </li>`;
  }

  #sending(): TemplateResult | typeof nothing {
    const { connection } = this.bench;
    if (connection === null) return nothing;
    const { isSending } = connection;
    return html`<div class="acts">
      <button
        type="button"
        aria-pressed=${!isSending}
        ?disabled=${this.busy !== null && this.busy === this.bench.connection}
        @click=${() => this.#setSending(!isSending)}
      >
        ${isSending ? 'removeTrack(sender)' : 'sender.replaceTrack(track)'}
      </button>
    </div>`;
  }

  #cloneActs(): TemplateResult {
    const clone = this.bench.clone!;
    return html`<div class="acts">
      <button
        type="button"
        aria-pressed=${!clone.enabled}
        @click=${() => this.#change(() => (clone.enabled = !clone.enabled))}
      >
        clone.enabled = ${String(!clone.enabled)}
      </button>
      <button
        type="button"
        ?disabled=${clone.readyState === 'ended'}
        @click=${() => this.#change(() => clone.stop())}
      >
        clone.stop()
      </button>
    </div>`;
  }

  #members(): TemplateResult {
    const { words } = this.bench;
    return html`<section class="panel" aria-labelledby="members">
      <h3 id="members">
        ${words === null ? 'What a track says of itself: an example' : 'What the track says of itself'}
      </h3>
      <p class="prose">
        <code>getConstraints()</code> is what the page has asked for,
        <code>getCapabilities()</code> what the source could do, and <code>getSettings()</code> what
        it does.
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Member</th>
            <th scope="col">Setting</th>
            <th scope="col">Capability</th>
            <th scope="col">Constraint</th>
            <th scope="col">What it is</th>
          </tr>
        </thead>
        <tbody>
          ${trackMembers(words ?? EXAMPLE_TRACK).map(memberRow)}
        </tbody>
      </table>
      ${words?.capabilities === null ? html`<p class="caption">This browser has no getCapabilities().</p>` : nothing}
    </section>`;
  }

  #change(work: () => void): void {
    work();
    this.requestUpdate();
  }

  async #setSending(sends: boolean): Promise<void> {
    const { connection } = this.bench;
    this.busy = connection;
    try {
      await connection?.setSending(sends);
    } catch (error) {
      this.bench.problem = errorText(error);
    }
    if (this.busy === connection) this.busy = null;
  }
}

function memberRow(member: TrackMember): TemplateResult {
  const { name, setting, capability, constraint, meaning, clause } = member;
  const cell = (label: string, value: string): TemplateResult =>
    html`<td class="mono" data-label=${label}>${value === '' ? '–' : value}</td>`;
  return html`<tr>
    <th scope="row"><code>${name}</code></th>
    ${cell('Setting', setting)} ${cell('Capability', capability)} ${cell('Constraint', constraint)}
    <td>
      ${meaning}
      ${
        clause === null
          ? nothing
          : html`<a class="caption" href=${clause.url} target="_blank" rel="noreferrer"
              >${clause.label}</a
            >`
      }
    </td>
  </tr>`;
}
