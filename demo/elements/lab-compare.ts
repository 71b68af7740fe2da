import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { Pace } from '../controllers/pace.ts';
import { ShortcutKeys } from '../controllers/shortcut-keys.ts';
import { Comparison } from '../lanes/comparison.ts';
import { LINK_INTERVAL_MS } from '../lanes/shared-link.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import { laneOfKey } from '../lanes/lane-ids.ts';
import type { AnswerSubject } from '../page/answer.ts';
import { HeldAnswer, answerOf, machineLoad, reasonOf } from '../page/answer.ts';
import { linkWords } from '../page/link-words.ts';
import { microphoneView } from '../page/microphone-view.ts';
import type { NeedId } from '../page/needs.ts';
import { NEEDS } from '../page/needs.ts';
import type { RowOrder } from '../page/row-order.ts';
import { comparisonStatus } from '../page/status.ts';
import { settingsOf } from '../runs/address.ts';
import { compareStyles } from '../styles/compare-layout.ts';
import { controls } from '../styles/controls.ts';
import type { LabEvent } from './fire.ts';
import './lab-abx.ts';
import type { LabAbx } from './lab-abx.ts';
import './lab-answer.ts';
import './lab-coding.ts';
import './lab-history.ts';
import './lab-lane-calls.ts';
import './lab-lanes.ts';
import './lab-link.ts';
import './lab-loudness.ts';
import './lab-recorder.ts';
import './lab-results.ts';
import './lab-run.ts';
import './lab-source.ts';
import './lab-status.ts';

/** All lanes side by side: one source, one link, and what each lane makes of them. */
@customElement('lab-compare')
export class LabCompare extends LitElement {
  static override styles: CSSResultGroup = [controls, compareStyles];

  /** Audio lives here; the page draws it. Public for tests. */
  readonly session: Comparison = new Comparison(this);
  @state() private blind = false;
  /** A run was asked for, and its end has not come. */
  @state() private measuring = false;
  @state() private need: NeedId = 'delay';
  /** The lane that differences and prices are compared with. */
  @state() private baseline: LaneId = 'webrtc';
  @state() private order: RowOrder = { by: 'table' };
  readonly #held = new HeldAnswer();
  readonly #keys: ShortcutKeys;
  @query('lab-abx') private abx!: LabAbx | null;
  #hasStarted = false;
  readonly #pace = new Pace(this, LINK_INTERVAL_MS, () => this.#tellLink());

  constructor() {
    super();
    const { session } = this;
    const settings = settingsOf(location.search);
    session.settings = settings;
    session.stage = { ...session.stage, kind: settings.source };
    this.#tellLink();
    // The first that comes up.
    session.hear(settings.lanes[0]!);
    this.#keys = new ShortcutKeys(this, (key) => this.#press(key));
  }

  protected override render(): TemplateResult {
    const { session, measuring, need, baseline } = this;
    const { lanes, settings, heard, readiness, suspended } = session;
    const active = session.phase === 'running' || session.phase === 'starting';
    if (active) this.#hasStarted = true;
    const subject = { readiness, lanes, need, baseline, settings, active, suspended };
    const answer = this.#held.show(answerOf(subject), reasonOf(subject), performance.now());
    return html`<main
      @lab-toggle=${this.#toggle}
      @lab-source=${({ detail }: LabEvent<'lab-source'>) => void session.choose(detail)}
      @lab-volume=${({ detail }: LabEvent<'lab-volume'>) =>
        session.setVolume(detail.volume, detail.muted)}
      @lab-device=${({ detail }: LabEvent<'lab-device'>) => void session.desk.use(detail.deviceId)}
      @lab-mute=${({ detail }: LabEvent<'lab-mute'>) => void session.desk.mute(detail.keep)}
      @lab-measure-echo=${() => void session.desk.measureEcho()}
      @lab-link=${this.#setLink}
      @lab-lanes=${({ detail }: LabEvent<'lab-lanes'>) => void session.chooseLanes(detail.lanes)}
      @lab-coding=${({ detail }: LabEvent<'lab-coding'>) => void session.configure(detail)}
      @lab-hear=${({ detail }: LabEvent<'lab-hear'>) => session.hear(detail.heard, detail.trims)}
      @lab-plan=${({ detail }: LabEvent<'lab-plan'>) => session.plan(detail)}
      @lab-need=${({ detail }: LabEvent<'lab-need'>) => this.#choose(detail.need)}
      @lab-baseline=${({ detail }: LabEvent<'lab-baseline'>) => (this.baseline = detail.lane)}
      @lab-order=${({ detail }: LabEvent<'lab-order'>) => (this.order = detail)}
      @lab-run=${this.#run}
    >
      <lab-answer
        .answer=${answer}
        .need=${need}
        .about=${this.#about(subject)}
        .load=${active ? machineLoad(session.latenessMs, session.droppedMs) : null}
      ></lab-answer>
      <section class="stage" aria-label="Source and network">
        <lab-source
          .source=${session.stage}
          .microphone=${microphoneView(session.desk, session.stage.processing.echoCancellation)}
          .active=${active}
          .fixed=${measuring}
          .volume=${session.volume}
          .muted=${session.muted}
        ></lab-source>
        <lab-status .status=${comparisonStatus(session)}></lab-status>
        <lab-link
          .choice=${measuring ? session.linkChoice : settings.links[0]!}
          .latenessMs=${session.latenessMs}
          .missing=${session.linkMissing}
          .fixed=${measuring}
        ></lab-link>
      </section>
      <lab-lanes
        .lanes=${[...lanes]}
        .settings=${settings}
        .heard=${heard}
        .blind=${this.blind}
        .fixed=${measuring}
        .input=${session.input}
        .readiness=${readiness}
        .baseline=${baseline}
        .order=${this.order}
        .ranking=${answer.ranking}
      ></lab-lanes>
      <div class="keys">
        <label
          ><input
            type="checkbox"
            .checked=${this.#keys.enabled}
            @change=${this.#setKeys}
          />Single-key shortcuts</label
        >
        <p class="caption">
          1 to 9 hear one of the first nine lanes alone, 0 the source; a, b and x are those of the
          blind comparison. Lanes keep running while another is heard, so there is no gap.
        </p>
      </div>
      <lab-coding .settings=${settings} .fixed=${measuring}></lab-coding>
      <lab-run .settings=${settings} .progress=${session.progress} .active=${measuring}></lab-run>
      ${
        session.results === null
          ? nothing
          : html`<lab-results .results=${session.results}></lab-results>`
      }
      ${this.#hasStarted ? this.#running() : nothing}
    </main>`;
  }

  /** The parts that are empty before the first start. */
  #running(): TemplateResult {
    const { session } = this;
    const { lanes, settings, heard } = session;
    return html`<lab-history
        .lanes=${lanes.filter(({ id }) => settings.lanes.includes(id))}
      ></lab-history>
      <lab-lane-calls .lanes=${[...lanes]} .capture=${this.#capture}></lab-lane-calls>
      <div class="pair">
        <lab-abx
          .lanes=${[...lanes]}
          .heard=${heard}
          @blind=${({ detail }: CustomEvent<boolean>) => (this.blind = detail)}
        ></lab-abx>
        <lab-recorder .context=${session.context} .source=${session.source}></lab-recorder>
      </div>
      <lab-loudness .input=${session.input} .output=${this.#heardNode()}></lab-loudness>`;
  }

  readonly #capture = (lane: LaneId): Promise<Uint8Array | null> => this.session.captureCall(lane);

  #about({ readiness, need, settings }: AnswerSubject): string {
    const rule = NEEDS[need].rule(settings);
    if (readiness.state === 'idle') return rule;
    return `Over ${linkWords(this.session.linkChoice)}, the last 5 s that are known. ${rule}`;
  }

  #choose(need: NeedId): void {
    this.need = need;
    this.order = { by: 'need' };
  }

  /** What is heard, for meters. */
  #heardNode(): AudioNode | null {
    const { heard, lanes, input } = this.session;
    if (heard === 'source') return input;
    return lanes.find(({ id }) => id === heard)?.lane?.output ?? null;
  }

  readonly #setKeys = ({ target }: Event): void => {
    this.#keys.enabled = (target as HTMLInputElement).checked;
  };

  readonly #toggle = (): void => {
    const { session } = this;
    if (session.phase === 'running' || session.phase === 'starting') session.stop();
    else void session.start();
  };

  readonly #setLink = ({ detail }: LabEvent<'lab-link'>): void => {
    const { session } = this;
    const others = session.settings.links.slice(1).filter(({ name }) => name !== detail.name);
    session.plan({ links: [detail, ...others] });
    this.#pace.ask();
  };

  #tellLink(): void {
    const { session } = this;
    const { links } = session.settings;
    // When the link is gone, `linkMissing` says so.
    session.setLink(links[0]!).catch(() => {});
    session.plan({ links });
  }

  readonly #run = async (): Promise<void> => {
    const { session } = this;
    if (this.measuring) return session.stop();
    this.measuring = true;
    await session.run();
    this.measuring = false;
  };

  #press(key: string): boolean {
    const { session, abx } = this;
    const lane = laneOfKey(key);
    if (key === '0') session.hear(session.heard === 'source' ? null : 'source');
    else if (lane !== null) session.hear(session.heard === lane ? null : lane);
    else if (key === 'a' || key === 'b' || key === 'x') {
      return abx?.press(key.toUpperCase() as 'A' | 'B' | 'X') ?? false;
    } else return false;
    return true;
  }
}
