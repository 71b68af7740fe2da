import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Levels } from '../audio/tap.ts';
import { decibels } from '../page/format.ts';
import { METER_FLOOR_DBFS } from '../scope/draw-meter.ts';
import { controls } from '../styles/controls.ts';

/** A level as text, for eyes and for screen readers. */
@customElement('lab-level')
export class LabLevel extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .name {
        font-size: var(--small);
        font-weight: 600;
        color: var(--accent);
      }
      .figures {
        display: inline-grid;
        grid-template-columns: 5ch auto;
        gap: 0 0.4rem;
        align-items: baseline;
        white-space: nowrap;
      }
      .figures .number {
        text-align: right;
      }
      .level {
        width: 5ch;
        font-size: 1.375rem;
      }
      .figures:has(.level) {
        grid-template-columns: auto auto;
      }
      .clips {
        color: var(--alert);
        font-size: var(--small);
        min-height: 1.45em;
      }
    `,
  ];

  @property() label = '';
  /** The name for screen readers. */
  @property() name = '';
  @property({ attribute: false }) levels: Levels | null = null;

  protected override render(): TemplateResult {
    const rms = this.levels?.rmsDbfs ?? -Infinity;
    const peak = this.levels?.heldPeakDbfs ?? -Infinity;
    const clips = this.levels?.clips ?? 0;
    return html`
      <div
        role="meter"
        aria-label=${this.name}
        aria-valuemin=${METER_FLOOR_DBFS}
        aria-valuemax="0"
        aria-valuenow=${Math.round(Math.max(METER_FLOOR_DBFS, Math.min(0, rms)))}
        aria-valuetext=${Number.isFinite(rms) ? `${decibels(rms)} dBFS` : 'silence'}
      >
        <div class="name">${this.label}</div>
        <div class="figures">
          <span class="number level">${decibels(rms)}</span><span class="caption">dBFS</span>
          <span class="number">${decibels(peak)}</span><span class="caption">peak</span>
        </div>
        <div class="clips">${clips > 0 ? 'clipped' : nothing}</div>
      </div>
    `;
  }
}
