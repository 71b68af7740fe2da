import type { CSSResult } from 'lit';
import { css } from 'lit';

/**
 * The colours and measures of all elements. Every one can be set by a custom property of the page; the defaults follow the page's
 * `color-scheme`, so that a page with only a light scheme stays light. Text has a contrast of at least 4.5:1 on `ground` and on
 * `track`, and graphics 3:1. Input is blue and replies are orange: the two can be distinguished with every common kind of colour
 * blindness (Okabe and Ito, 2008).
 */
export const theme: CSSResult = css`
  :host {
    --_ground: var(--micwire-ground, light-dark(#fcfcfa, #171b20));
    --_track: var(--micwire-track, light-dark(#e6e6e1, #0c0f12));
    --_line: var(--micwire-line, light-dark(#d5d6d1, #2f363e));
    --_line-strong: var(--micwire-line-strong, light-dark(#7d8286, #78828d));
    --_ink: var(--micwire-ink, light-dark(#1a1e23, #e8eaec));
    --_ink-soft: var(--micwire-ink-soft, light-dark(#50565d, #a4adb8));
    --_accent: var(--micwire-accent, light-dark(#0a62a8, #6cb8f0));
    --_on-accent: var(--micwire-on-accent, light-dark(#ffffff, #0c0f12));
    --_warn: var(--micwire-warn, light-dark(#b65200, #f0a04b));
    --_alert: var(--micwire-alert, light-dark(#a3123a, #ff9ab4));
    --_focus: var(--micwire-focus, light-dark(#0a62a8, #8ecbff));
    --_radius: var(--micwire-radius, 6px);
    --_font: var(--micwire-font, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif);
    --_mono: var(--micwire-mono, ui-monospace, 'SF Mono', Menlo, Consolas, monospace);
    /* Of buttons and fields. */
    --_target: 2.25rem;
    display: block;
    min-width: 0;
    color: var(--_ink);
    font: 400 0.9375rem/1.4 var(--_font);
    text-align: start;
  }

  @media (pointer: coarse) {
    :host {
      --_target: 44px;
    }
  }

  @media (forced-colors: active) {
    :host {
      --_ground: Canvas;
      --_track: Canvas;
      --_line: CanvasText;
      --_line-strong: CanvasText;
      --_ink: CanvasText;
      --_ink-soft: CanvasText;
      --_accent: Highlight;
      --_on-accent: HighlightText;
      --_warn: Highlight;
      --_alert: LinkText;
      --_focus: Highlight;
    }
  }

  :host([hidden]) {
    display: none;
  }

  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  p {
    margin: 0;
  }

  .panel {
    padding: 0.875rem 1rem 1rem;
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
    background: var(--_ground);
  }

  .soft {
    color: var(--_ink-soft);
    font-size: 0.8125rem;
  }

  .number {
    font-family: var(--_mono);
    font-variant-numeric: tabular-nums;
  }

  :focus-visible {
    outline: 2px solid var(--_focus);
    outline-offset: 2px;
  }
`;

/** Buttons, fields and switches. */
export const controls: CSSResult = css`
  button,
  select {
    min-height: var(--_target);
    border: 1px solid var(--_line-strong);
    border-radius: var(--_radius);
    background: var(--_ground);
    color: var(--_ink);
    font: inherit;
  }

  button {
    padding: 0 0.875rem;
    cursor: pointer;
  }

  select {
    width: 100%;
    padding: 0 0.5rem;
  }

  button:hover {
    border-color: var(--_ink);
  }

  button.primary {
    border-color: var(--_accent);
    background: var(--_accent);
    color: var(--_on-accent);
    font-weight: 600;
  }

  button[aria-pressed='true'] {
    border-color: var(--_ink);
    background: var(--_ink);
    color: var(--_ground);
  }

  button:disabled,
  select:disabled {
    opacity: 0.55;
    cursor: default;
  }

  @media (forced-colors: active) {
    button.primary,
    button[aria-pressed='true'] {
      border-color: Highlight;
      background: Highlight;
      color: HighlightText;
      forced-color-adjust: none;
    }

    button:disabled,
    select:disabled {
      border-color: GrayText;
      color: GrayText;
      opacity: 1;
    }
  }
`;

/** A panel with a state in words, and a lamp that shows the same: one that works, one that needs attention, or another one. */
export const panel: CSSResult = css`
  .panel {
    display: grid;
    gap: 0.75rem;
  }

  .row {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    align-items: center;
  }

  .state {
    flex: 1;
    display: flex;
    gap: 0.5rem;
    align-items: center;
    font-weight: 600;
  }

  .lamp {
    flex: none;
    width: 0.625rem;
    height: 0.625rem;
    border: 2px solid var(--_line-strong);
    border-radius: 50%;
  }

  :is(.live, .open, .replaying) .lamp {
    border-color: var(--_accent);
    background: var(--_accent);
  }

  :is(.blocked, .lost, .waiting) .lamp {
    border-color: var(--_alert);
    border-radius: 0;
    transform: rotate(45deg);
  }

  @media (forced-colors: active) {
    :is(.live, .open, .replaying) .lamp {
      background: Highlight;
      forced-color-adjust: none;
    }
  }
`;

/** Bars that `bar-steps.ts` moves: the whole bar is painted, and a cover hides what is above the level. */
export const bars: CSSResult = css`
  .bar {
    position: relative;
    overflow: hidden;
    height: 0.75rem;
    border-radius: min(3px, var(--_radius));
    background: var(--_track);
    direction: ltr;
    forced-color-adjust: none;
  }

  /* A layer of its own, clipped together with the cover: rounded corners show no fringe of it. */
  .bar::before {
    position: absolute;
    inset: 0;
    background: var(--_fill, var(--_accent));
    content: '';
  }

  .cover,
  .mark {
    position: absolute;
    inset: 0;
  }

  .cover {
    inset: -1px 0;
    background: var(--_track);
    transform-origin: right;
    will-change: transform;
  }

  .mark {
    transform: translateX(-1rem);
    will-change: transform;
  }

  .mark::before {
    position: absolute;
    inset: 0 auto 0 -2px;
    width: 2px;
    background: var(--_ink);
    content: '';
  }

  .scale {
    position: relative;
    height: 1.25rem;
    color: var(--_ink-soft);
    font-size: 0.75rem;
    direction: ltr;
  }

  .scale span {
    position: absolute;
    top: 0.1875rem;
    transform: translateX(-50%);
  }

  .scale span:first-child {
    transform: none;
  }

  .scale span:last-child {
    transform: translateX(-100%);
  }

  @media (forced-colors: active) {
    .bar {
      outline: 1px solid CanvasText;
      outline-offset: -1px;
    }
  }
`;
