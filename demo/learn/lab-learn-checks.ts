import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { count, milliseconds } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import { figure } from './figure.ts';
import type { IceWay } from './ice-bench.ts';
import { IceBench } from './ice-bench.ts';
import { pairPriority } from './ice-candidate-parts.ts';
import { iceStyles } from './ice-styles.ts';
import { learnPageStyles } from './page-styles.ts';
import type { PairLife, PairSpan } from './pair-timeline.ts';
import { candidateText } from './pair-timeline.ts';

const WAYS: Readonly<Record<IceWay, string>> = {
  direct: 'Nothing',
  servers: 'A STUN and TURN server',
  nats: 'Two simulated NATs',
};
const WAY_WORDS: Readonly<Record<IceWay, string>> = {
  direct: 'Both ends are on this machine, and have host candidates only.',
  servers: 'Both ends may use the lab’s STUN and TURN server, but do not need it.',
  nats: 'This side is behind a port-restricted NAT and the other behind a symmetric one; neither learns the other’s own addresses. Only a relay can work.',
};

/** Pairs that are shown at first. */
const ROWS = 7;
/** The least that the time line shows, ms. */
const LEAST_MS = 1000;

/** The checks of a call within the page, pair by pair, and its ICE restart. */
@customElement('lab-learn-checks')
export class LabLearnChecks extends LitElement {
  static override styles: CSSResultGroup = [controls, learnPageStyles, iceStyles];

  /** The call lives here. Public for tests. */
  readonly bench: IceBench = new IceBench(() => this.requestUpdate());
  /** The pair that was pressed; null: the one in use. */
  @state() private chosen: string | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.bench.stop();
  }

  protected override render(): TemplateResult {
    const { phase, way, problem, timeline } = this.bench;
    const { lives } = timeline;
    return html`<section class="panel" aria-labelledby="checks">
      <div class="head">
        <h3 id="checks">The checks of a call</h3>
        <div class="buttons">
          <button
            type="button"
            ?disabled=${phase !== 'up' || this.bench.restarting}
            @click=${this.#restart}
          >
            Restart ICE
          </button>
          <button type="button" class=${phase === 'idle' ? 'primary' : ''} @click=${this.#toggle}>
            ${phase === 'idle' ? 'Start a call' : 'End the call'}
          </button>
        </div>
      </div>
      <p class="prose">
        Each candidate of one side is paired with each of the other. The pairs are checked with STUN
        requests, highest priority first, and the caller nominates one that works. This call is
        within the page, carries data only, and makes no sound.
      </p>
      <fieldset ?disabled=${phase !== 'idle'}>
        <legend>What is between the two ends</legend>
        <div class="choice long">
          ${(Object.keys(WAYS) as IceWay[]).map(
            (each) =>
              html`<label
                ><input
                  type="radio"
                  name="way"
                  .value=${each}
                  .checked=${each === way}
                  @change=${() => this.#choose(each)}
                />${WAYS[each]}</label
              >`,
          )}
        </div>
      </fieldset>
      <p class="caption">${WAY_WORDS[way]}</p>
      <p role="status" class=${problem === '' ? 'caption' : 'error'}>${this.#status()}</p>
      ${lives.length === 0 ? nothing : this.#timeline(lives)} ${this.#restarted()}
    </section>`;
  }

  #status(): string {
    const { phase, problem, timeline } = this.bench;
    if (problem !== '') return problem;
    if (phase === 'busy') return 'Connecting.';
    if (phase === 'idle') {
      return timeline.lives.length === 0 ? '' : 'The call has ended; its checks remain.';
    }
    const { pair } = timeline.selected ?? {};
    if (pair === undefined) return 'Connected.';
    return `Connected, by ${candidateText(pair.local)} and ${candidateText(pair.remote)}.`;
  }

  #timeline(lives: readonly PairLife[]): TemplateResult {
    const tried = lives.filter((life) => life.tried);
    const { originMs, timeline } = this.bench;
    const endMs = Math.max(originMs + LEAST_MS, timeline.lastChangeMs + LEAST_MS / 4);
    // Only the pairs since the restart matter.
    const shown = tried
      .filter(({ gone, spans }) => !gone || spans.at(-1)!.toMs > originMs)
      .toSorted((a, b) => sinceRank(b, originMs) - sinceRank(a, originMs));
    const row = (life: PairLife) => this.#row(life, originMs, endMs, life === chosen);
    const chosen =
      lives.find(({ pair }) => pair.id === this.chosen) ?? timeline.selected ?? tried[0] ?? null;
    return html`<div>
        <div class="axis caption">
          <span>${originMs === 0 ? 'call' : 'restart'}</span>
          <span>${milliseconds(endMs - originMs)} ms later</span>
        </div>
        <ul class="pairs" aria-label="Pairs that were checked">
          ${shown.slice(0, ROWS).map(row)}
        </ul>
        ${
          shown.length <= ROWS
            ? nothing
            : html`<details>
                <summary>${shown.length - ROWS} more that were checked</summary>
                <ul class="pairs" aria-label="More pairs that were checked">
                  ${shown.slice(ROWS).map(row)}
                </ul>
              </details>`
        }
      </div>
      <p class="caption legend">
        ${legend('waiting', 'waiting')} ${legend('progress', 'being checked')}
        ${legend('succeeded', 'works')} ${legend('selected', 'carries the call')}
        ${legend('failed', 'failed')}
      </p>
      <p class="caption">
        ${count(lives.length - tried.length)} further pairs were never checked. The browser is asked
        every 50 ms (getStats), so shorter states do not show.
      </p>
      ${chosen === null ? nothing : pairDetail(chosen)}`;
  }

  #row(life: PairLife, originMs: number, endMs: number, isChosen: boolean): TemplateResult {
    const { pair, spans } = life;
    return html`<li>
      <button type="button" aria-pressed=${isChosen} @click=${() => (this.chosen = pair.id)}>
        <span class="ends">${candidateText(pair.local)} → ${candidateText(pair.remote)}</span>
        <span>${stateWords(life)}</span>
        <span class="track" aria-hidden="true"
          >${spans.map((span) => bar(span, originMs, endMs))}</span
        >
      </button>
    </li>`;
  }

  #restarted(): TemplateResult | typeof nothing {
    const { changes, timeline, pairBefore } = this.bench;
    if (changes.length === 0) return nothing;
    const old = timeline.lives.find(({ pair }) => pair.id === pairBefore)?.pair;
    const now = timeline.selected?.pair;
    return html`<div>
      <h4>The restart</h4>
      <p class="prose">
        Both sides took new user fragments, gathered again and checked again. The old pair carries
        the call until a new one is chosen. A call does this when its network changes (RFC 8445 §9).
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col"></th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          ${changes.map(
            ({ side, before, after }) =>
              html`<tr>
                <th scope="row">${side}, ice-ufrag</th>
                <td class="mono">${before}</td>
                <td class="mono">${after}</td>
              </tr>`,
          )}
          <tr>
            <th scope="row">Pair</th>
            <td class="mono">${old === undefined ? '–' : portsOf(old)}</td>
            <td class="mono">${now === undefined || now === old ? 'not yet' : portsOf(now)}</td>
          </tr>
        </tbody>
      </table>
    </div>`;
  }

  #choose(way: IceWay): void {
    this.bench.way = way;
    this.requestUpdate();
  }

  readonly #toggle = (): void => {
    this.chosen = null;
    if (this.bench.phase === 'idle') void this.bench.start();
    else this.bench.stop();
  };

  readonly #restart = (): void => {
    this.chosen = null;
    void this.bench.restart();
  };
}

/** The pairs that carried the call first, then those that appeared since the restart. */
function sinceRank({ spans }: PairLife, originMs: number): number {
  if (spans.some(({ selected, toMs }) => selected && toMs >= originMs)) return 2;
  return spans[0]!.fromMs >= originMs ? 1 : 0;
}

/** What a pair is now. */
function stateWords({ spans, gone }: PairLife): string {
  const { state, nominated, selected } = spans.at(-1)!;
  if (gone) return 'gone';
  if (selected) return '● in use';
  return nominated ? `◐ nominated, ${state}` : `○ ${state}`;
}

function kindOf({ state, selected }: PairSpan): string {
  if (selected) return 'selected';
  if (state === 'succeeded') return 'succeeded';
  if (state === 'failed') return 'failed';
  return state === 'in-progress' ? 'progress' : 'waiting';
}

function bar(span: PairSpan, originMs: number, endMs: number): TemplateResult | typeof nothing {
  const from = Math.max(span.fromMs, originMs);
  const to = Math.min(span.toMs, endMs);
  if (to < from) return nothing;
  const percent = (ms: number): number => (100 * ms) / (endMs - originMs);
  return html`<span
    class="span ${kindOf(span)}"
    .style="left: ${percent(from - originMs)}%; width: ${percent(to - from)}%"
  ></span>`;
}

function legend(kind: string, words: string): TemplateResult {
  return html`<span><i class=${kind}></i>${words}</span>`;
}

/** Ports tell pairs of one machine apart. */
function portsOf({ local, remote }: PairLife['pair']): string {
  return `${local?.type} ${local?.port} → ${remote?.type} ${remote?.port}`;
}

function pairDetail({ pair, spans }: PairLife): TemplateResult {
  const { local, remote, roundTripTime, requestsSent, responsesReceived } = pair;
  const trip = roundTripTime === null ? '–' : `${milliseconds(1000 * roundTripTime)} ms`;
  const [own, other] = [local?.priority ?? 0, remote?.priority ?? 0];
  return html`<div class="detail">
    <h4>${candidateText(local)} → ${candidateText(remote)}</h4>
    <dl class="figures">
      ${figure('Checks sent', count(requestsSent), 'number')}
      ${figure('Answered', count(responsesReceived), 'number')}
      ${figure('Round trip', trip, 'number')}
    </dl>
    <p>
      Priority of the pair: 2³² × ${Math.min(own, other)} + 2 × ${Math.max(own, other)} +
      ${own > other ? 1 : 0} = <span class="mono">${pairPriority(own, other)}</span>
      <span class="caption">(RFC 8445 §6.1.2.3; this side, the caller, controls)</span>
    </p>
    <ol class="history" aria-label="What became of the pair">
      ${spans.map(
        ({ fromMs, state, nominated, selected }) =>
          html`<li>
            <b>${milliseconds(fromMs)} ms</b>
            ${state}${nominated ? ', nominated' : ''}${selected ? ', carries the call' : ''}
          </li>`,
      )}
    </ol>
  </div>`;
}
