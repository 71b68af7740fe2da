import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { milliseconds } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import { CloseBench } from './close-bench.ts';
import type { CloseEvent, CloseLog, CloseWay } from './close-log.ts';
import { CLOSE_WORDS } from './close-log.ts';
import { learnPageStyles } from './page-styles.ts';

/** What each way is: its button, its code, and what there is to know. */
const WAYS: Readonly<Record<CloseWay, readonly [name: string, code: string, about: string]>> = {
  bye: [
    'Say bye',
    'await call.close()',
    'The app tells the other side through the signalling, and closes. This is how a call should end.',
  ],
  close: [
    'Close without a bye',
    'call.connection.close()',
    'The browser aborts SCTP and sends the DTLS alert close_notify. Data channels report it at once; the connection’s state follows only when consent expires.',
  ],
  vanish: [
    'Vanish',
    'the network loses everything',
    'A cable is pulled, a battery is empty, a process is killed: no packet says so. Here the simulated network loses every packet, and this side is still there to see it.',
  ],
  stop: [
    'Stop the track',
    'track.stop()',
    'The source ends, and the call stays. No event tells the other side.',
  ],
  remove: [
    'Remove the track',
    'removeTrack(sender)',
    'The same, and a new offer and answer tell the other side that nothing will come.',
  ],
};
const ALL = Object.keys(WAYS) as CloseWay[];

/** A gap in the list for the time between two events: so many rem a second, at most. */
const REM_PER_SECOND = 0.3;
const MOST_REM = 4;

/** How calls end, each way tried with a call. */
@customElement('lab-learn-close')
export class LabLearnClose extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    css`
      .ways {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr));
        gap: 0.5rem;
      }
      .ways button {
        display: grid;
        gap: 0.15rem;
        padding: 0.6rem 0.875rem;
        text-align: left;
        align-content: center;
      }
      .ways code {
        font-size: var(--small);
        overflow-wrap: anywhere;
      }
      .error {
        color: var(--alert);
      }
      .status {
        min-height: 1.5rem;
      }
      .line {
        display: grid;
        margin: 0;
        padding: 0.25rem 0;
        list-style: none;
        background: linear-gradient(var(--line-strong), var(--line-strong)) 50% 0 / 2px 100%
          no-repeat;
      }
      .line li,
      .sides {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 5.25rem minmax(0, 1fr);
        gap: 0 0.5rem;
        align-items: center;
      }
      .line li {
        padding: 0.25rem 0;
      }
      .sides {
        font-weight: 600;
      }
      .sides :first-child {
        text-align: right;
      }
      .sides :last-child {
        grid-column: 3;
      }
      .time {
        grid-column: 2;
        grid-row: 1;
        padding: 0.15rem 0;
        border: 1px solid var(--line-strong);
        border-radius: 999px;
        background: var(--panel);
        font-size: var(--small);
        text-align: center;
      }
      .event {
        grid-row: 1;
        padding: 0.4rem 0.75rem;
        border-radius: var(--radius);
        background: var(--sunken);
        overflow-wrap: anywhere;
      }
      .event b {
        display: block;
        font-weight: 600;
      }
      .this .event {
        grid-column: 1;
        border-right: 3px solid var(--in);
        text-align: right;
      }
      .other .event {
        grid-column: 3;
        border-left: 3px solid var(--out);
      }
      .last {
        background: var(--alert-ground);
      }
      /* One column there: the side is said in words. */
      @media (max-width: 36rem) {
        .line {
          background-position: 2.1rem 0;
        }
        .line li {
          grid-template-columns: 4.25rem minmax(0, 1fr);
        }
        .line .time {
          grid-column: 1;
          font-size: 0.75rem;
        }
        .line .event {
          grid-column: 2;
          border: 0 solid var(--in);
          border-left-width: 3px;
          text-align: left;
        }
        .line .other .event {
          border-color: var(--out);
        }
        .line .unseen {
          position: static;
          width: auto;
          height: auto;
          clip-path: none;
          color: var(--ink-soft);
          font-size: var(--small);
        }
        .sides {
          display: none;
        }
        td,
        th {
          padding-right: 0.5rem;
          font-size: var(--small);
        }
      }
    `,
  ];

  /** The calls live here. Public for tests. */
  readonly bench: CloseBench = new CloseBench(() => this.requestUpdate());

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.bench.stop();
  }

  protected override render(): TemplateResult {
    return html`${this.#trial()} ${this.#compared()}`;
  }

  #trial(): TemplateResult {
    const { log, problem } = this.bench;
    return html`<section class="panel" aria-labelledby="trial">
      <h3 id="trial">End a call</h3>
      <p class="prose">
        Each button makes a call within the page, with a voice that nobody hears, and ends it from
        this side. Below is what each side is told, and when. The last two end the audio only.
      </p>
      <div class="ways" role="group" aria-label="Ways to end it">
        ${ALL.map(
          (way) =>
            html`<button
              type="button"
              aria-pressed=${way === log?.way}
              @click=${() => void this.bench.run(way)}
            >
              <span>${WAYS[way][0]}</span><code>${WAYS[way][1]}</code>
            </button>`,
        )}
      </div>
      ${log === null ? nothing : html`<p class="prose">${WAYS[log.way][2]}</p>`}
      <p class="status">
        <span role="status" class=${problem === '' ? 'caption' : 'error'}>${this.#status()}</span>
        <span class="caption">${this.#elapsed()}</span>
      </p>
      ${log === null || log.events.length === 0 ? nothing : timeline(log)}
    </section>`;
  }

  #status(): string {
    const { phase, problem, log } = this.bench;
    if (problem !== '') return problem;
    if (phase === 'connecting') return 'Connecting.';
    if (phase === 'watching') {
      return `Watching.${log?.way === 'bye' ? '' : ' It takes a while.'}`;
    }
    return log === null ? '' : 'Over. Try another way, and compare.';
  }

  /** Not in the status: it would be read out every second. */
  #elapsed(): string {
    const { phase, nowMs } = this.bench;
    return phase === 'watching' ? `${Math.floor(nowMs / 1000)} s so far.` : '';
  }

  #compared(): TemplateResult {
    const { logs } = this.bench;
    return html`<section class="panel" aria-labelledby="compared">
      <h3 id="compared">When the other side knows</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">This side</th>
            <th scope="col">The first event</th>
            <th scope="col">It is over, for sure</th>
            <th scope="col">Its call has ended</th>
          </tr>
        </thead>
        <tbody>
          ${ALL.map((way) => this.#row(way, logs.get(way) ?? null))}
        </tbody>
      </table>
      <p class="prose">
        So say bye, and do not rely on it. A connection that is disconnected may come back within
        seconds. RFC 7675 lets a side send for 30 s at most after the last answer to its checks;
        browsers give up earlier, as you see here. For audio that has gone quiet count packets, as
        <code>call.history</code> does.
      </p>
    </section>`;
  }

  #row(way: CloseWay, log: CloseLog | null): TemplateResult {
    const result = log?.result ?? null;
    const closed =
      result === null ? '–' : result.closedMs === null ? 'no' : timeText(result.closedMs);
    return html`<tr>
      <th scope="row">${WAYS[way][0]}</th>
      <td>${signText(log, result?.first ?? null)}</td>
      <td>${signText(log, result?.known ?? null)}</td>
      <td class="number">${closed}</td>
    </tr>`;
  }
}

/** The events of both sides, with gaps for the time between them. */
function timeline(log: CloseLog): TemplateResult {
  const { events, way } = log;
  return html`<div>
    <p class="sides"><span>This side</span><span>Other side</span></p>
    <ol class="line" aria-label="What happened at both sides">
      ${events.map((event, i) => {
        const gapMs = event.atMs - (events[i - 1]?.atMs ?? 0);
        return eventRow(event, way, Math.min(MOST_REM, (REM_PER_SECOND * gapMs) / 1000));
      })}
    </ol>
  </div>`;
}

function eventRow(
  { atMs, side, kind, detail }: CloseEvent,
  way: CloseWay,
  gapRem: number,
): TemplateResult {
  const [name, meaning] = CLOSE_WORDS[kind];
  const isLast = kind === 'failed' || kind === 'call-closed';
  return html`<li class=${side} .style="margin-top: ${gapRem.toFixed(2)}rem">
    <span class="time number">${timeText(atMs)}</span>
    <div class="event ${isLast ? 'last' : ''}">
      <span class="unseen">${side === 'this' ? 'This side' : 'Other side'}: </span>
      <b>${kind === 'act' ? WAYS[way][1] : name}</b>
      <span class="caption">${meaning}${detail === '' ? '' : ` “${detail}”`}</span>
    </div>
  </li>`;
}

function signText(log: CloseLog | null, event: CloseEvent | null): string {
  if (log === null) return '–';
  if (event === null) return 'never';
  return `${timeText(event.atMs)}: ${CLOSE_WORDS[event.kind][0].toLowerCase()}`;
}

/** Milliseconds, from a second on seconds. */
function timeText(ms: number): string {
  return ms < 999.5 ? `${milliseconds(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
