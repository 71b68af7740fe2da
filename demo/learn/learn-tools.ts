import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { Ticker } from '../controllers/ticker.ts';
import { saveFile, timeName } from '../elements/save-file.ts';
import { bytes, count } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import type { CapturedPacket, CaptureKind } from './capture-list.ts';
import { packetDetails } from './capture-list.ts';
import type { DumpedConnection } from './dump-contents.ts';
import { dumpContents } from './dump-contents.ts';
import { figure } from './figure.ts';
import type { LearnVoice } from './learn-voice.ts';
import { learnPageStyles } from './page-styles.ts';
import { RECORD_MS, ToolsBench } from './tools-bench.ts';
import { toolsStyles } from './tools-styles.ts';
import { VoiceUse } from './voice-use.ts';
import { errorText } from '../../src/core/errors.ts';

/** How often the figures of the dump are read again. */
const LOOK_MS = 2000;
/** Packets that are listed at once. */
const LISTED = 60;
/** Events of a connection that are listed. */
const LISTED_EVENTS = 14;
const FILTERS: readonly (readonly [kind: CaptureKind | null, label: string])[] = [
  [null, 'All'],
  ['sip', 'sip'],
  ['stun', 'stun'],
  ['rtp', 'rtp'],
  ['rtcp', 'rtcp'],
];
const IMPORTER = 'https://fippo.github.io/webrtc-dump-importer';

/** Tools that show a call from outside, with files that the page makes for them. */
@customElement('lab-learn-tools')
export class LabLearnTools extends LitElement {
  static override styles: CSSResultGroup = [controls, learnPageStyles, toolsStyles];

  @property({ attribute: false }) voice!: LearnVoice;
  /** The call and the capture live here. Public for tests. */
  readonly bench: ToolsBench = new ToolsBench(() => this.requestUpdate());
  @state() private filter: CaptureKind | null = null;
  /** The number of the packet whose details are open. */
  @state() private open: number | null = null;
  @state() private problem = '';
  /** The dump as it was read last, when, and what it holds. */
  #dumped: string | null = null;
  #dumpedMs = -Infinity;
  #contents: readonly DumpedConnection[] = [];
  /** The address that was copied last. */
  @state() private copied = '';

  constructor() {
    super();
    new VoiceUse(this);
    new Ticker(this, LOOK_MS);
  }

  protected override render(): TemplateResult {
    return html`${this.#wireshark()} ${this.#internals()} ${this.#firefox()}`;
  }

  #wireshark(): TemplateResult {
    const { file, progress, connected } = this.bench;
    const isRecording = progress !== null;
    return html`<section class="panel" aria-labelledby="wireshark">
      <h3 id="wireshark">Wireshark, in three steps</h3>
      <ol class="steps">
        <li>
          <h4>Make a capture</h4>
          <p class="prose">
            ${
              connected
                ? `Record ${RECORD_MS / 1000} s of your voice as packets of RTP, and save them as a file.`
                : 'Press Start above first: the capture is of your own voice, or of the example.'
            }
          </p>
          <div class="acts">
            <button
              type="button"
              class="primary"
              ?disabled=${!connected || isRecording}
              @click=${() => void this.#record()}
            >
              ${isRecording ? `Recording, ${Math.round(progress * 100)} %` : `Record ${RECORD_MS / 1000} s`}
            </button>
            <button type="button" ?disabled=${file === null} @click=${this.#saveCapture}>
              Save the capture${file === null ? '' : ` (${bytes(file.bytes.length)})`}
            </button>
          </div>
          ${this.problem === '' ? nothing : html`<p role="alert">${this.problem}</p>`}
        </li>
        <li>
          <h4>Open it</h4>
          <p class="prose">
            In Wireshark choose <b>File › Open</b>. You see the list below, with the same numbers.
            Type <code>stun</code>, <code>rtp</code> or <code>rtcp</code> into the display filter at
            the top, as the buttons here do. Press a packet to see what it consists of.
          </p>
          ${file === null ? html`<p class="caption">Until you record, this is an example: a second of silence.</p>` : nothing}
          ${this.#list()}
        </li>
        <li>
          <h4>Look at the stream</h4>
          <p class="prose">
            Choose <b>Telephony › RTP › RTP Streams</b>. There is one stream in each
            direction${file === null ? '' : ', with these figures'}. <b>Analyze</b> shows the jitter
            of each packet, and <b>Play Streams</b> plays both where Wireshark was built with Opus.
            <b>Telephony › VoIP Calls</b> shows the call, and its <b>Flow Sequence</b> the ladder.
          </p>
          ${this.#stream()}
        </li>
      </ol>
      <div class="holds">
        <div>
          <h4>What the file holds</h4>
          <ul>
            <li>
              Your voice as Opus packets, with the times of a simulated network: it loses 5 % and
              has 60 ms of jitter; and what the other side sends back, which is an echo.
            </li>
            <li>The resulting reports of both sides (RTCP).</li>
            <li>
              The messages of SIP from INVITE to BYE, from which Wireshark knows the payload types,
              and two checks of ICE (STUN), signed. They are composed by this page.
            </li>
          </ul>
        </div>
        <div>
          <h4>What it lacks</h4>
          <ul>
            <li>
              Anything of your network: a page sees no packets. The addresses are those of
              documentation (RFC 5737).
            </li>
            <li>
              DTLS and SRTP: browsers do both where no page can see it. In a capture of a call of
              WebRTC you find a handshake of DTLS after the checks, and then RTP whose payload is
              encrypted: the headers can be read, and nothing can be played.
            </li>
          </ul>
        </div>
      </div>
    </section>`;
  }

  #list(): TemplateResult {
    const { packets } = this.bench;
    const { filter } = this;
    const found = filter === null ? packets : packets.filter(({ kind }) => kind === filter);
    const shown = found.slice(0, LISTED);
    return html`<fieldset>
        <legend>Display filter</legend>
        <div class="choice">
          ${FILTERS.map(
            ([kind, label]) =>
              html`<label
                ><input
                  type="radio"
                  name="filter"
                  .checked=${kind === filter}
                  @change=${() => (this.filter = kind)}
                />${label}</label
              >`,
          )}
        </div>
      </fieldset>
      <ol class="packets" aria-label="Packets of the capture">
        ${shown.map((packet) => this.#packet(packet))}
      </ol>
      <p class="caption" role="status">
        ${found.length > LISTED ? `The first ${LISTED} of ${count(found.length)} packets.` : `${count(found.length)} packets.`}
      </p>`;
  }

  #packet(packet: CapturedPacket): TemplateResult {
    const { number, seconds, source, destination, protocol, length, info, kind } = packet;
    const isOpen = number === this.open;
    return html`<li class=${kind ?? ''}>
      <button
        type="button"
        aria-expanded=${isOpen}
        @click=${() => (this.open = isOpen ? null : number)}
      >
        <span class="no"><span class="unseen">Packet </span>${number}</span>
        <span class="time">${seconds.toFixed(6)}</span>
        <b>${protocol}</b>
        <span class="length">${length}<span class="unseen"> bytes</span></span>
        <span class="info"><span class="way">${source} → ${destination}</span> ${info}</span>
      </button>
      ${isOpen ? this.#details(packet) : nothing}
    </li>`;
  }

  #details(packet: CapturedPacket): TemplateResult {
    return html`<dl class="details">
      ${packetDetails(packet, this.bench.packets).map(
        ({ name, value, meaning }) =>
          html`<div>
            <dt>${name}</dt>
            <dd><code>${value}</code><span class="caption">${meaning}</span></dd>
          </div>`,
      )}
    </dl>`;
  }

  #stream(): TemplateResult | typeof nothing {
    const { file, packets } = this.bench;
    const rtp = packets.find(({ kind }) => kind === 'rtp');
    if (file === null || rtp === undefined) return nothing;
    const ratio = (100 * file.lost) / (file.lost + file.received);
    return html`<dl class="figures">
      ${figure('SSRC', /0x[\dA-F]+/.exec(rtp.info)?.[0] ?? '–')}
      ${figure('Packets', count(file.received))}
      ${figure('Lost', `${file.lost} (${ratio.toFixed(1)} %)`)}
      ${figure('Packets of the echo', count(file.echoed))}
    </dl>`;
  }

  /** The dump of a moment ago: after some minutes, writing one takes tens of ms. */
  #dump(): string | null {
    const isOld = performance.now() - this.#dumpedMs >= LOOK_MS;
    if (isOld && this.bench.progress === null) {
      this.#dumpedMs = performance.now();
      this.#dumped = this.bench.dump();
      this.#contents = this.#dumped === null ? [] : dumpContents(this.#dumped);
    }
    return this.#dumped;
  }

  #internals(): TemplateResult {
    const dump = this.#dump();
    return html`<section class="panel" aria-labelledby="internals">
      <h3 id="internals">webrtc-internals, in Chrome and Edge</h3>
      <ol class="steps">
        <li>
          <h4>Open it, best before the call</h4>
          <p class="prose">
            A page cannot open this address: copy it into a new tab. In Edge it begins with
            <code>edge:</code>. Its figures over time begin when it is opened.
          </p>
          ${this.#address('chrome://webrtc-internals')}
        </li>
        <li>
          <h4>Read it</h4>
          <p class="prose">
            Each RTCPeerConnection has a tab: this page’s call has two, one for each end. A tab
            lists the events with their times, such as <code>setLocalDescription</code> with the
            whole SDP, and draws each figure of <code>getStats()</code>. Look at
            <code>inbound-rtp</code> for packets lost, jitter and concealed samples, and at
            <code>candidate-pair</code> for the path that was taken.
          </p>
        </li>
        <li>
          <h4>Save a dump, and read it later</h4>
          <p class="prose">
            There, open <b>Create a WebRTC-Internals dump</b> and press
            <b>Download the “webrtc-internals dump”</b>. The lab writes the same kind of file by
            itself, in every browser, whether that page was open or not. Open either with
            <a href=${IMPORTER} target="_blank" rel="noreferrer">webrtc-dump-importer</a>.
          </p>
          <div class="acts">
            <button type="button" ?disabled=${dump === null} @click=${this.#saveDump}>
              Save a webrtc-internals dump${dump === null ? '' : ` (${bytes(dump.length)})`}
            </button>
          </div>
          ${
            dump === null
              ? html`<p class="empty">There has been no call yet.</p>`
              : html`<div class="ends">${this.#contents.map(dumpedConnection)}</div>`
          }
          <p class="caption">
            A dump has addresses of your machine, and the descriptions of the call. It has no audio,
            and no passwords of TURN servers.
          </p>
        </li>
      </ol>
    </section>`;
  }

  #firefox(): TemplateResult {
    return html`<section class="panel" aria-labelledby="firefox">
      <h3 id="firefox">about:webrtc, in Firefox</h3>
      <ol class="steps">
        <li>
          <h4>Open it while the call runs</h4>
          <p class="prose">
            Press Start here, then copy the address into a new tab. It also keeps calls that have
            ended.
          </p>
          ${this.#address('about:webrtc')}
        </li>
        <li>
          <h4>Read it</h4>
          <p class="prose">
            Each connection has <b>ICE Stats</b>, with each pair of candidates, its state, and
            whether it was nominated and selected; <b>SDP</b>, both descriptions; and
            <b>RTP Stats</b>, with packets, losses and jitter in each direction.
          </p>
        </li>
        <li>
          <h4>Save it</h4>
          <p class="prose">
            <b>Save Page</b> writes everything into one HTML file. Attach it to bug reports.
          </p>
        </li>
      </ol>
    </section>`;
  }

  #address(address: string): TemplateResult {
    return html`<div class="address">
      <code>${address}</code>
      <button
        type="button"
        @click=${() => void this.#copy(address)}
        aria-label="${this.copied === address ? 'Copied' : 'Copy'}: ${address}"
      >
        ${this.copied === address ? 'Copied' : 'Copy'}
      </button>
    </div>`;
  }

  async #copy(address: string): Promise<void> {
    // A browser may forbid it: the address can be selected, too.
    await navigator.clipboard.writeText(address).then(
      () => (this.copied = address),
      () => (this.copied = ''),
    );
  }

  async #record(): Promise<void> {
    this.problem = '';
    try {
      await this.bench.record();
    } catch (error) {
      this.problem = errorText(error);
    }
  }

  readonly #saveCapture = (): void => {
    const { file } = this.bench;
    if (file === null) return;
    saveFile(`micwire-${timeName()}.pcapng`, 'application/octet-stream', file.bytes);
  };

  readonly #saveDump = (): void => {
    const dump = this.bench.dump();
    if (dump === null) return;
    saveFile(`webrtc-internals-${timeName()}.json`, 'application/json', dump);
  };
}

function dumpedConnection({ id, events, series }: DumpedConnection): TemplateResult {
  const shown = events.slice(0, LISTED_EVENTS);
  return html`<div>
    <h5>${id}</h5>
    <p class="caption">${count(events.length)} events, ${count(series)} figures over time</p>
    <ol class="events">
      ${shown.map((type) => html`<li>${type}</li>`)}
      ${events.length > shown.length ? html`<li class="caption">and more</li>` : nothing}
    </ol>
  </div>`;
}
