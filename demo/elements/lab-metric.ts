import { html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { METRICS } from '../measure/metric-table.ts';
import type { MetricId } from '../measure/metrics.ts';
import type { Term } from './lab-term.ts';
import { LabTerm } from './lab-term.ts';

/** The name of a metric; when pressed, it says what the metric is. */
@customElement('lab-metric')
export class LabMetric extends LabTerm {
  @property() metric: MetricId = 'latency_p50_ms';

  protected override get named(): Term {
    const { label, unit, definition, webrtc, better } = METRICS[this.metric];
    const file = html`In files: <code>${this.metric}</code>`;
    return {
      label,
      unit: unit === 'ratio' ? '%' : unit,
      definition,
      notes: [
        ...(webrtc === null ? [] : [html`WebRTC: <code>${webrtc}</code>`]),
        better === null
          ? file
          : html`${better === 'lower' ? 'Lower' : 'Higher'} is better. ${file}`,
      ],
    };
  }
}
