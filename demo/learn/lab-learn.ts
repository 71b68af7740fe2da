import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { LabEvent } from '../elements/fire.ts';
import '../elements/lab-source.ts';
import '../elements/lab-status.ts';
import { microphoneView } from '../page/microphone-view.ts';
import { IS_STATIC } from '../page/static-build.ts';
import type { Status } from '../page/status.ts';
import { microphoneStatus } from '../page/status.ts';
import { controls } from '../styles/controls.ts';
import { learnStyles } from './learn-styles.ts';
import type { LearnAddress, LearnPage, SourceFile } from './learn-pages.ts';
import { LEARN_PAGES, learnAddress, readLearnAddress } from './learn-pages.ts';
import { LearnVoice } from './learn-voice.ts';

/** What the view shows: a page or a file; or that it is being loaded, or could not be. */
type Shown = 'loading' | 'failed' | 'page' | { readonly text: string };

/** A guided tour of what the lab is built on, page by page. */
@customElement('lab-learn')
export class LabLearn extends LitElement {
  static override styles: CSSResultGroup = [controls, learnStyles];

  /** Audio lives here; pages use it. Public for tests. */
  readonly voice: LearnVoice = new LearnVoice(this);
  @state() private address: LearnAddress = readLearnAddress(location.hash);
  @state() private shown: Shown = 'loading';

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('hashchange', this.#follow);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#follow);
  }

  protected override render(): TemplateResult {
    const { page, file } = this.address;
    const index = LEARN_PAGES.indexOf(page);
    return html`<div class="learn">
      <nav aria-label="Pages of Learn">
        <ol>
          ${LEARN_PAGES.map(
            (one, i) =>
              html`<li>
                <a href=${learnAddress(one)} aria-current=${one === page ? 'page' : 'false'}
                  ><span class="step" aria-hidden="true">${i + 1}</span>${one.title}</a
                >
              </li>`,
          )}
        </ol>
      </nav>
      <main>${file === null ? this.#page(page, index) : this.#file(page, file)}</main>
    </div>`;
  }

  #page(page: LearnPage, index: number): TemplateResult {
    return html`<div class="title">
        <p class="caption">Page ${index + 1} of ${LEARN_PAGES.length}</p>
        <h2 tabindex="-1">${page.title}</h2>
        <p class="about">${page.about}</p>
      </div>
      ${IS_STATIC && page.needsServer ? serverless : this.#content(page)}
      <section class="panel sources" aria-label="Where it is written">
        <div>
          <h3>In the standards</h3>
          <ul>
            ${page.clauses.map(
              ({ label, url }) =>
                html`<li><a href=${url} target="_blank" rel="noreferrer">${label}</a></li>`,
            )}
          </ul>
        </div>
        <div>
          <h3>In the code</h3>
          <ul>
            ${page.files.map(
              (source) =>
                html`<li>
                  <a href=${learnAddress(page, source)}><code>${source.path}</code></a>
                </li>`,
            )}
          </ul>
        </div>
      </section>
      <nav class="turn" aria-label="Previous and next page">
        ${this.#turn(LEARN_PAGES[index - 1], 'Previous', 'before')}
        ${this.#turn(LEARN_PAGES[index + 1], 'Next', 'after')}
      </nav>`;
  }

  #content(page: LearnPage): TemplateResult {
    return html`${page.needsVoice ? this.#voice() : nothing}
    ${this.shown === 'page' ? page.content(this.voice) : this.#waiting()}`;
  }

  #turn(page: LearnPage | undefined, label: string, side: string): TemplateResult {
    if (page === undefined) return html`<span></span>`;
    return html`<a class=${side} href=${learnAddress(page)}
      ><span class="caption">${label}</span><span>${page.title}</span></a
    >`;
  }

  #file(page: LearnPage, { path }: SourceFile): TemplateResult {
    return html`<div class="title">
        <p><a href=${learnAddress(page)}>Back to ${page.title}</a></p>
        <h2 tabindex="-1" class="path">${path}</h2>
      </div>
      ${
        typeof this.shown === 'object'
          ? html`<pre class="panel" tabindex="0" aria-label="Source of ${path}">
${this.shown.text}</pre>`
          : this.#waiting()
      }`;
  }

  #waiting(): TemplateResult {
    if (this.shown !== 'failed') return html`<p class="waiting" role="status">Loading.</p>`;
    return html`<p class="waiting" role="alert">
      This page could not be loaded. Is the server still there?
      <button type="button" @click=${() => void this.#load()}>Try again</button>
    </p>`;
  }

  #voice(): TemplateResult {
    const { voice } = this;
    return html`<div
      class="voice"
      @lab-toggle=${this.#toggle}
      @lab-source=${({ detail }: LabEvent<'lab-source'>) => void voice.choose(detail)}
      @lab-volume=${({ detail }: LabEvent<'lab-volume'>) =>
        voice.setVolume(detail.volume, detail.muted)}
      @lab-device=${({ detail }: LabEvent<'lab-device'>) => void voice.desk.use(detail.deviceId)}
      @lab-mute=${({ detail }: LabEvent<'lab-mute'>) => void voice.desk.mute(detail.keep)}
      @lab-measure-echo=${() => void voice.desk.measureEcho()}
    >
      <lab-source
        .source=${voice.stage}
        .microphone=${microphoneView(voice.desk, voice.stage.processing.echoCancellation)}
        .active=${voice.active}
        .volume=${voice.volume}
        .muted=${voice.muted}
      ></lab-source>
      <lab-status .status=${voiceStatus(voice)}></lab-status>
    </div>`;
  }

  readonly #toggle = (): void => {
    if (this.voice.active) this.voice.stop();
    else void this.voice.start();
  };

  readonly #follow = (): void => {
    if (!location.hash.startsWith('#learn')) return;
    this.address = readLearnAddress(location.hash);
    const { page, file } = this.address;
    // A file of the project does not use the microphone.
    if (!page.needsVoice || file !== null) this.voice.stop();
    void this.#load().then(async () => {
      await this.updateComplete;
      // A screen reader hears that there is another page.
      this.renderRoot.querySelector('h2')?.focus({ preventScroll: true });
      scrollTo({ top: 0 });
    });
  };

  async #load(): Promise<void> {
    const { address } = this;
    this.shown = 'loading';
    try {
      const text = (await address.file?.load())?.default ?? null;
      if (text === null) await address.page.load();
      if (address === this.address) this.shown = text === null ? 'page' : { text };
    } catch {
      if (address === this.address) this.shown = 'failed';
    }
  }
}

/** In place of a page that the static lab cannot show. */
const serverless = html`<section class="panel">
  <p>This page needs the lab’s server.</p>
  <p>In micwire’s folder: <code>npm start</code></p>
</section>`;

/** The most pressing thing to say about the visitor's audio. */
function voiceStatus(voice: LearnVoice): Status {
  const { phase, problem, source } = voice;
  const none = { detail: '', action: null };
  if (phase === 'failed' && problem !== null) {
    const action = { label: 'Try again', run: () => void voice.start() };
    return { tone: 'problem', title: problem.title, detail: problem.cure, action };
  }
  if (phase === 'starting') return { tone: 'busy', title: 'Starting.', ...none };
  if (phase !== 'running') {
    const detail = 'The pictures show an example. Press Start to see, and hear, your own audio.';
    return { tone: 'idle', title: 'Ready.', detail, action: null };
  }
  if (voice.suspended) {
    const action = { label: 'Play the audio', run: () => voice.resume() };
    return { tone: 'warning', title: 'The browser is blocking the audio.', detail: '', action };
  }
  const microphone = source?.microphone ?? null;
  return (
    (microphone && microphoneStatus(microphone, () => void voice.start())) ?? {
      tone: 'good',
      title: 'Running.',
      detail: source?.label ?? '',
      action: null,
    }
  );
}
