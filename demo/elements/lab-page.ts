import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { IS_STATIC } from '../page/static-build.ts';
import { controls } from '../styles/controls.ts';
import { pageStyles } from '../styles/page-layout.ts';
import './lab-compare.ts';
import './lab-room.ts';
import './lab-session.ts';
import './lab-single.ts';

/** A view, by the fragment of its address. */
interface View {
  readonly label: string;
  readonly about: string;
  readonly content: TemplateResult;
  /** Loads its element, where that is not part of the first download. */
  readonly load?: () => Promise<unknown>;
  /** Whether its messages go to the lab's server, or in the static lab to a Worker. */
  readonly sendsMessages?: true;
  /** What it needs the lab's server for, in a sentence; left out where it runs without. */
  readonly needsServer?: string;
}

const VIEWS: Readonly<Record<string, View>> = {
  compare: {
    label: 'All lanes',
    about: 'One source, one network, and every way to carry audio, measured at the same time.',
    content: html`<lab-compare></lab-compare>`,
    sendsMessages: true,
  },
  lane: {
    label: 'One lane',
    about: 'One lane with any settings, taken apart step by step.',
    content: html`<lab-single></lab-single>`,
    sendsMessages: true,
  },
  session: {
    label: 'A session',
    about: 'Cut the wire, and see that no audio is lost.',
    content: html`<lab-session></lab-session>`,
    sendsMessages: true,
  },
  call: {
    label: 'A call',
    about: 'WebRTC between two tabs or two machines, made visible.',
    content: html`<lab-room></lab-room>`,
    needsServer:
      'Both sides of a call meet at the lab’s server, which has the STUN and TURN servers and the simulated routers too.',
  },
  learn: {
    label: 'Learn',
    about: 'How a voice gets onto the wire and back, page by page, with your own voice.',
    content: html`<lab-learn></lab-learn>`,
    load: () => import('../learn/lab-learn.ts'),
  },
};

/** The lab. Only the current view exists: leaving one stops its audio. */
@customElement('lab-page')
export class LabPage extends LitElement {
  static override styles: CSSResultGroup = [controls, pageStyles];

  @state() private view = viewOf(location.hash);
  /** Whether the element of the view could not be loaded. */
  @state() private missing = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#load();
    addEventListener('hashchange', this.#follow);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#follow);
  }

  protected override render(): TemplateResult {
    const { label, about, content, needsServer, sendsMessages } = VIEWS[this.view]!;
    return html`
      <header>
        <h1>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path class="in" d="M3 13v6M7.5 8v16" />
            <path class="out" d="M24.5 8v16M29 13v6" />
            <path class="tape" d="M12.250 13v6M16 13v6M19.750 13v6" />
          </svg>
          micwire <span>lab</span>
        </h1>
        <p>${about}</p>
        <nav aria-label="Views">
          ${Object.entries(VIEWS).map(
            ([name, { label }]) =>
              html`<a href="#${name}" aria-current=${name === this.view ? 'page' : 'false'}
                >${label}</a
              >`,
          )}
        </nav>
      </header>
      ${IS_STATIC && sendsMessages ? serverless : nothing}
      ${
        IS_STATIC && needsServer !== undefined
          ? html`<main class="panel">
              <h2>${label} needs the server</h2>
              <p>${needsServer}</p>
              <p>In micwire’s folder: <code>npm start</code></p>
            </main>`
          : this.missing
            ? html`<p class="missing" role="alert">
                This view could not be loaded. Is the server still there?
                <button type="button" @click=${this.#load}>Try again</button>
              </p>`
            : content
      }
    `;
  }

  readonly #follow = (): void => {
    const view = viewOf(location.hash);
    if (view === this.view) return;
    this.view = view;
    this.#load();
  };

  readonly #load = (): void => {
    this.missing = false;
    const { view } = this;
    VIEWS[view]!.load?.().catch(() => {
      if (view === this.view) this.missing = true;
    });
  };
}

/** What the static lab does in place of the server. */
const serverless = html`<p class="caption serverless">
  This copy of the lab has no server. Messages go to a Worker of this page, not over real
  WebSockets. <code>npm start</code> runs the lab with its server.
</p>`;

/** The view of an address; what follows a slash is the view's own. */
function viewOf(hash: string): string {
  const [name = ''] = hash.slice(1).split('/', 1);
  return Object.hasOwn(VIEWS, name) ? name : 'compare';
}
