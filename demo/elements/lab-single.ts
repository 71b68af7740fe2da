import type { CSSResultGroup, TemplateResult } from 'lit';
import { FRAMINGS } from 'micwire';
import { LitElement, html } from 'lit';
import { customElement } from 'lit/decorators.js';
import { outputLatencySeconds } from '../../src/web/output-latency.ts';
import { CloseUp } from '../lanes/close-up.ts';
import { Ticker } from '../controllers/ticker.ts';
import { count } from '../page/format.ts';
import { costsOf, exampleMessage } from '../page/message-costs.ts';
import { delayParts, readingsOf } from '../page/readings.ts';
import { stationsOf } from '../page/stations.ts';
import { microphoneView } from '../page/microphone-view.ts';
import { closeUpStatus } from '../page/status.ts';
import { controls } from '../styles/controls.ts';
import type { LabEvent } from './fire.ts';
import './lab-delay.ts';
import './lab-level.ts';
import './lab-link.ts';
import './lab-loudness.ts';
import './lab-path.ts';
import './lab-readings.ts';
import './lab-recorder.ts';
import './lab-scope.ts';
import './lab-settings.ts';
import './lab-source.ts';
import './lab-status.ts';
import './lab-wire.ts';
import { singleStyles } from '../styles/single-layout.ts';

/** Text changes twice a second: quicker cannot be read, by eye or by a screen reader. */
const TEXT_INTERVAL_MS = 500;

/** One source, one lane of any settings, and everything that can be seen of them. */
@customElement('lab-single')
export class LabSingle extends LitElement {
  static override styles: CSSResultGroup = [controls, singleStyles];

  /** Audio lives here; the page draws it. Public for tests. */
  readonly session: CloseUp = new CloseUp(this);

  constructor() {
    super();
    new Ticker(this, TEXT_INTERVAL_MS);
  }

  protected override render(): TemplateResult {
    const { session } = this;
    const { lane, inputTap, outputTap, settings } = session;
    const framing = FRAMINGS[settings.framing];
    const figures = lane?.figures() ?? null;
    const active = session.phase === 'running' || session.phase === 'starting';
    return html`
      <main
        @lab-toggle=${this.#toggle}
        @lab-source=${this.#chooseSource}
        @lab-volume=${this.#setVolume}
        @lab-device=${({ detail }: LabEvent<'lab-device'>) => void session.desk.use(detail.deviceId)}
        @lab-mute=${({ detail }: LabEvent<'lab-mute'>) => void session.desk.mute(detail.keep)}
        @lab-measure-echo=${() => void session.desk.measureEcho()}
        @lab-configure=${this.#configure}
        @lab-link=${({ detail }: LabEvent<'lab-link'>) => session.setLink(detail)}
      >
        <lab-source
          .source=${session.stage}
          .microphone=${microphoneView(session.desk, session.stage.processing.echoCancellation)}
          .active=${active}
          .volume=${session.volume}
          .muted=${session.muted}
        ></lab-source>
        <lab-status .status=${closeUpStatus(session)}></lab-status>
        <lab-link
          .choice=${session.linkChoice}
          .latenessMs=${session.latenessMs}
          .missing=${session.linkMissing}
        ></lab-link>
        <lab-path .stations=${stationsOf(session)}></lab-path>
        <section class="bank" aria-label="Waveforms and levels">
          <lab-level
            class="input"
            label="In"
            name="Input level"
            .levels=${inputTap?.levels ?? null}
          ></lab-level>
          <div class="wire">
            <div class="name">Chunks</div>
            <div class="caption">${count(1000 / settings.chunkDurationMs)} a second</div>
          </div>
          <lab-level
            class="output"
            label="Out"
            name="Output level"
            .levels=${outputTap?.levels ?? null}
          ></lab-level>
          <lab-scope
            .context=${session.context}
            .inputTap=${inputTap}
            .outputTap=${outputTap}
            .tape=${lane?.tape ?? null}
          ></lab-scope>
          <p class="caption legend">${tapeLegend}</p>
        </section>
        <lab-readings .readings=${readingsOf(figures)}></lab-readings>
        <lab-delay
          .parts=${delayParts(figures, settings.chunkDurationMs)}
          .total=${figures?.totalMs ?? null}
          .outputMs=${outputLatencyMs(session.context)}
        ></lab-delay>
        <lab-loudness
          .input=${session.source?.node ?? null}
          .output=${lane?.output ?? null}
        ></lab-loudness>
        <lab-recorder .context=${session.context} .source=${session.source}></lab-recorder>
        <div class="columns">
          <lab-settings .settings=${settings} .costs=${costsOf(framing, settings)}></lab-settings>
          <lab-wire
            .message=${lane?.lastMessage ?? null}
            .example=${lane?.lastMessage ? null : exampleMessage(framing, settings)}
          ></lab-wire>
        </div>
      </main>
      <p class="caption notes">
        The delay runs from the capture node to the playout node. What the microphone, the
        loudspeaker and their drivers add is outside: no page can measure it. Chunks pass the
        simulated network once, on their way out; they come back directly. Round trips are timed on
        this page’s main thread, so its own waiting counts. Bytes are those of the messages, without
        the headers of WebSocket, TCP and IP.
      </p>
    `;
  }

  readonly #toggle = (): void => {
    const { session } = this;
    const active = session.phase === 'running' || session.phase === 'starting';
    if (active) session.stop();
    else void session.start();
  };

  readonly #chooseSource = ({ detail }: LabEvent<'lab-source'>): void => {
    void this.session.choose(detail);
  };

  readonly #setVolume = ({ detail }: LabEvent<'lab-volume'>): void => {
    this.session.setVolume(detail.volume, detail.muted);
  };

  readonly #configure = ({ detail }: LabEvent<'lab-configure'>): void => {
    void this.session.configure(detail);
  };
}

/** What the marks between the waves mean, each with the mark itself. */
const tapeLegend = html`<span>One mark a chunk:</span>
  <span
    ><svg viewBox="0 0 10 10" aria-hidden="true"><path d="M1 1h8v8h-8z" fill="currentColor" /></svg
    >it came back</span
  >
  <span
    ><svg viewBox="0 0 10 10" aria-hidden="true">
      <path d="M1.5 1.5h7v7h-7z" fill="none" stroke="currentColor" /></svg
    >under way</span
  >
  <span
    ><svg viewBox="0 0 10 10" aria-hidden="true">
      <path class="dropped" d="M1 2l8 6M9 2l-8 6" fill="none" /></svg
    >dropped</span
  >
  <span>Quiet audio is drawn larger.</span>`;

/** What the browser says that its output adds, in ms; null where it says nothing. */
function outputLatencyMs(context: AudioContext | null): number | null {
  const seconds = context === null ? undefined : outputLatencySeconds(context);
  return seconds === undefined || seconds === 0 ? null : seconds * 1000;
}
