import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, svg } from 'lit';
import { customElement } from 'lit/decorators.js';
import { Ticker } from '../controllers/ticker.ts';
import type { HeardWay } from '../controllers/wire-trial.ts';
import { OUTBOX_MS, TRIAL_RATE, WireTrial } from '../controllers/wire-trial.ts';
import { lostFrames, saidWords, stretchesOf } from '../page/arrivals-view.ts';
import type { Arrivals, ArrivalState } from '../page/arrivals-view.ts';
import { microphoneView } from '../page/microphone-view.ts';
import { FAR_END } from '../page/static-build.ts';
import { trialStatus } from '../page/status.ts';
import { controls } from '../styles/controls.ts';
import { sessionStyles } from '../styles/session-layout.ts';
import type { LabEvent } from './fire.ts';
import './lab-source.ts';
import './lab-status.ts';

/** Quick enough to see the outbox fill. */
const REDRAW_MS = 250;
/** Length of the picture. */
const WINDOW_SECONDS = 30;
/** How many times the sentence is shown. */
const LOOPS = 4;

const HEARD: readonly (readonly [HeardWay, string])[] = [
  ['session', 'The session'],
  ['plain', 'The plain WebSocket'],
  ['source', 'The source'],
];

const STATES: Readonly<Record<ArrivalState, string>> = {
  arrived: `at the ${FAR_END}`,
  pending: 'not there yet',
  lost: 'lost',
};

/** The same audio over a session and over a plain WebSocket, on a wire that can be cut. */
@customElement('lab-session')
export class LabSession extends LitElement {
  static override styles: CSSResultGroup = [controls, sessionStyles];

  /** Audio lives here; the element draws it. Public for tests. */
  readonly trial: WireTrial = new WireTrial(this);

  constructor() {
    super();
    new Ticker(this, REDRAW_MS);
  }

  protected override render(): TemplateResult {
    const { trial } = this;
    const active = trial.phase === 'running' || trial.phase === 'starting';
    return html`<main
      @lab-toggle=${this.#toggle}
      @lab-source=${({ detail }: LabEvent<'lab-source'>) => void trial.choose(detail)}
      @lab-volume=${({ detail }: LabEvent<'lab-volume'>) =>
        trial.setVolume(detail.volume, detail.muted)}
      @lab-device=${({ detail }: LabEvent<'lab-device'>) => void trial.desk.use(detail.deviceId)}
      @lab-mute=${({ detail }: LabEvent<'lab-mute'>) => void trial.desk.mute(detail.keep)}
      @lab-measure-echo=${() => void trial.desk.measureEcho()}
    >
      <lab-source
        .source=${trial.stage}
        .microphone=${microphoneView(trial.desk, trial.stage.processing.echoCancellation)}
        .active=${active}
        .volume=${trial.volume}
        .muted=${trial.muted}
      ></lab-source>
      <lab-status .status=${trialStatus(trial)}></lab-status>
      <section class="panel" aria-label="The wire">
        <div class="bar">
          <button
            type="button"
            class="wire"
            aria-pressed=${trial.isCut}
            ?disabled=${trial.phase !== 'running'}
            @click=${() => void trial.cut(!trial.isCut)}
          >
            ${trial.isCut ? 'Mend the wire' : 'Cut the wire'}
          </button>
          <p class="caption">
            Cutting ends both connections at the ${FAR_END} and lets none through until you mend it.
            Leave it cut for half a minute: the session keeps up to ${OUTBOX_MS / 1000} seconds.
          </p>
          <fieldset>
            <legend>You hear what came back over</legend>
            <div class="choice">${HEARD.map(([way, label]) => this.#heard(way, label))}</div>
          </fieldset>
        </div>
      </section>
      <div class="ways">
        <section class="panel" aria-labelledby="session">
          <div class="head">
            <h2 id="session">A session</h2>
            <span class="caption">micwire’s own protocol, acknowledged</span>
          </div>
          ${verdictOf(trial.sessionArrivals)} ${pictureOf(trial.sessionArrivals)} ${this.#outbox()}
          ${wordsOf(trial.sessionArrivals)}
        </section>
        <section class="panel" aria-labelledby="plain">
          <div class="head">
            <h2 id="plain">A plain WebSocket</h2>
            <span class="caption">it reconnects, and that is all</span>
          </div>
          ${verdictOf(trial.plainArrivals)} ${pictureOf(trial.plainArrivals)}
          ${this.#plainFigures()} ${wordsOf(trial.plainArrivals)}
        </section>
      </div>
      <p class="caption legend">
        ${Object.entries(STATES).map(
          ([state, words]) =>
            html`<span
              ><svg viewBox="0 0 50 40" preserveAspectRatio="none" aria-hidden="true">
                ${stretchRect(state as ArrivalState, 0, 50)}</svg
              >${words}</span
            >`,
        )}
      </p>
      <p class="caption">
        Both ways send 16 kHz s16 in chunks of 20 ms. The pictures and the words show what the
        ${FAR_END} has received, as it reports four times a second; the newest audio is at the
        right. A word counts as lost when a quarter of it or more never arrived.
      </p>
    </main>`;
  }

  #heard(way: HeardWay, label: string): TemplateResult {
    const { trial } = this;
    return html`<label>
      <input
        type="radio"
        name="heard"
        .value=${way}
        .checked=${trial.heard === way}
        @change=${() => trial.hear(way)}
      />${label}
    </label>`;
  }

  #outbox(): TemplateResult {
    const stats = this.trial.voice?.stats;
    const held = (stats?.waitingFrames ?? 0) + (stats?.inFlightFrames ?? 0);
    const part = Math.min(1, (held * 1000) / TRIAL_RATE / OUTBOX_MS);
    return html`<div>
        <div class="axis caption">
          <span>Outbox</span><span>full at ${OUTBOX_MS / 1000} s</span>
        </div>
        <div
          class="outbox"
          role="meter"
          aria-label="Outbox"
          aria-valuemin="0"
          aria-valuemax=${OUTBOX_MS / 1000}
          aria-valuenow=${seconds(held)}
        >
          <div .style="transform: scaleX(${part})"></div>
        </div>
      </div>
      <dl>
        ${figure('Captured', stats?.capturedFrames)}
        ${figure('Acknowledged', stats?.acknowledgedFrames)}
        ${figure('In flight', stats?.inFlightFrames)} ${figure('Waiting', stats?.waitingFrames)}
        ${figure('Dropped', stats?.droppedFrames)} ${figure('Replayed', stats?.replayedFrames)}
      </dl>`;
  }

  #plainFigures(): TemplateResult {
    const { trial } = this;
    const running = trial.transport !== null;
    const arrivals = trial.plainArrivals;
    const arrived = arrivals.spans.reduce((sum, [from, to]) => sum + to - from, 0);
    return html`<dl>
      ${figure('Captured', running ? arrivals.capturedFrames : undefined)}
      ${figure('Received', running ? arrived : undefined)}
      ${figure('Lost', running ? lostFrames(arrivals) : undefined)}
      <div>
        <dt>Connections</dt>
        <dd class="number">${trial.transport?.stats.connections ?? '–'}</dd>
      </div>
    </dl>`;
  }

  readonly #toggle = (): void => {
    const { trial } = this;
    if (trial.phase === 'running' || trial.phase === 'starting') trial.stop();
    else void trial.start();
  };
}

function verdictOf(arrivals: Arrivals): TemplateResult {
  const lost = lostFrames(arrivals);
  if (arrivals.capturedFrames === 0) return html`<p class="verdict"></p>`;
  return lost === 0
    ? html`<p class="verdict">Nothing is lost so far.</p>`
    : html`<p class="verdict bad">${seconds(lost)} s are lost.</p>`;
}

function pictureOf(arrivals: Arrivals): TemplateResult {
  const stretches = stretchesOf(arrivals, WINDOW_SECONDS * TRIAL_RATE);
  return html`<div>
    <svg viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true">
      ${stretches.map(({ from, to, state }) => stretchRect(state, 1000 * from, 1000 * (to - from)))}
    </svg>
    <div class="axis caption"><span>${WINDOW_SECONDS} s ago</span><span>now</span></div>
  </div>`;
}

/** Where a stretch lies in a picture 40 high: told apart by height too, not by colour alone. */
const BANDS: Readonly<Record<ArrivalState, readonly [y: number, height: number]>> = {
  arrived: [0, 40],
  pending: [10, 20],
  lost: [28, 12],
};

function stretchRect(state: ArrivalState, x: number, width: number): TemplateResult {
  const [y, height] = BANDS[state];
  return svg`<rect class=${state} x=${x} y=${y} width=${Math.max(1, width)} height=${height} />`;
}

function wordsOf(arrivals: Arrivals): TemplateResult {
  return html`<ol aria-label="What was said, and what became of it">
    ${saidWords(arrivals, TRIAL_RATE, LOOPS).map(
      (words) =>
        html`<li>
          ${words.map(
            ({ text, state }) =>
              html`<span class="word ${state}" title=${STATES[state]}
                >${text}${state === 'lost' ? html`<span class="unseen"> (lost)</span>` : ''}</span
              > `,
          )}
        </li>`,
    )}
  </ol>`;
}

function figure(label: string, frames: number | undefined): TemplateResult {
  return html`<div>
    <dt>${label}</dt>
    <dd>
      <span class="number">${frames === undefined ? '–' : seconds(frames)}</span>
      <span class="caption">s</span>
    </dd>
  </div>`;
}

/** 16000 → "1.00" */
function seconds(frames: number): string {
  return (frames / TRIAL_RATE).toFixed(2);
}
