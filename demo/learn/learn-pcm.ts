import { SampleEncoder, encodeBase64 } from 'micwire/codec';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { Ticker } from '../controllers/ticker.ts';
import { bytes as byteText, count, decibels, kilobits, hex } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import type { ByteMarks, BytePlace, ByteSelection } from './byte-map.ts';
import { isIn, lengthsOf, marksOf } from './byte-map.ts';
import { exampleVoice } from './example-voice.ts';
import type { Chip } from './lab-learn-chips.ts';
import './lab-learn-chips.ts';
import type { LearnVoice } from './learn-voice.ts';
import { VoiceUse } from './voice-use.ts';
import { contentWords, packetOfBlock, readMediaFile } from './media-file.ts';
import { opusTocFields } from './opus-toc.ts';
import { learnPageStyles } from './page-styles.ts';
import { figure } from './figure.ts';
import type { PcmHeard, PcmMoment, PcmRate } from './pcm-bench.ts';
import { PCM_CHUNK_MS, PCM_RATES, PcmBench } from './pcm-bench.ts';
import { pcmStyles } from './pcm-styles.ts';
import type { Coding } from './quantiser.ts';
import { audibleNoiseGainDb, levelDbfs, quantisationNoise, quantise, stepOf } from './quantiser.ts';
import { WAVE_HEIGHT, WAVE_WIDTH, curveOf, stairsOf, zeroLine } from './wave-picture.ts';

/** Quick enough to be live, slow enough to read. */
const REDRAW_MS = 500;
/** Samples that are written out. */
const WINDOW = 12;
const CHUNKS_PER_SECOND = 1000 / PCM_CHUNK_MS;
/** Bytes of a packet that are written out, and elements of a file. */
const SHOWN_BYTES = 48;
const SHOWN_ELEMENTS = 40;

const HEARD: readonly (readonly [PcmHeard, string])[] = [
  ['source', 'Source'],
  ['coded', 'Coded'],
  ['noise', 'Noise alone'],
];

/** Samples, their quantisation noise, and the same 20 ms as bytes, as text, and as packets. */
@customElement('lab-learn-pcm')
export class LabLearnPcm extends LitElement {
  static override styles: CSSResultGroup = [controls, learnPageStyles, pcmStyles];

  @property({ attribute: false }) voice!: LearnVoice;
  /** Audio lives here. Public for tests. */
  readonly bench: PcmBench = new PcmBench();
  @state() private selection: ByteSelection = { place: 'sample', index: 26 };
  @state() private held = false;
  #shown: PcmMoment = example(8000);
  /** When it was taken: it remains when the page is drawn again for another reason, such as a slider. */
  #takenAt = 0;

  constructor() {
    super();
    new VoiceUse(this);
    new Ticker(this, REDRAW_MS);
  }

  protected override willUpdate(): void {
    const now = performance.now();
    if (this.held || !this.voice.active || now - this.#takenAt < REDRAW_MS / 2) return;
    this.#takenAt = now;
    this.#shown = this.bench.takeMoment() ?? this.#shown;
  }

  protected override render(): TemplateResult {
    const shown = this.#shown;
    const { coding } = this.bench;
    const coded = quantise(shown.samples, coding);
    return html`${this.#sampling(shown)} ${this.#quantisation(shown, coded)}
    ${this.#encoding(coded)} ${this.#packets(shown, coded)}`;
  }

  #sampling({ samples, sampleRate }: PcmMoment): TemplateResult {
    const { bench } = this;
    return html`<section class="panel" aria-labelledby="sampling">
      <h3 id="sampling">Sampling</h3>
      <p class="prose">
        The microphone gives a voltage, and the converter measures it at equal intervals. Each
        measurement is a <dfn>sample</dfn>. Sound above half the sampling rate cannot be told apart
        from sound below it, so it is filtered out first: choose 8 kHz and hear a telephone.
      </p>
      <div class="controls">
        ${this.#choice(
          'Sampling rate',
          'rate',
          PCM_RATES.map((rate) => [rate, `${rate / 1000} kHz`] as const),
          bench.sampleRate,
          this.#setRate,
        )}
        <dl class="figures">
          ${figure('Samples in 20 ms', count(samples.length), 'number')}
          ${figure('One sample every', `${(1e6 / sampleRate).toFixed(1)} µs`, 'number')}
          ${figure('Carries sound up to', `${sampleRate / 2000} kHz`, 'number')}
        </dl>
      </div>
    </section>`;
  }

  #quantisation({ samples }: PcmMoment, coded: Float32Array): TemplateResult {
    const { bench } = this;
    const { coding } = bench;
    const noise = quantisationNoise(samples, coded);
    const live = this.voice.active && Number.isFinite(bench.signalDbfs) && !this.held;
    const signalDbfs = live ? bench.signalDbfs : levelDbfs(samples);
    const noiseDbfs = live ? bench.noiseDbfs : levelDbfs(noise);
    const span = this.#span(samples.length);
    return html`<section class="panel" aria-labelledby="quantisation">
      <div class="head">
        <h3 id="quantisation">Quantisation</h3>
        ${this.#hold()}
      </div>
      <p class="prose">
        A sample is rounded to the nearest of a few levels, so that it can be written as a number.
        What rounding adds is <dfn>quantisation noise</dfn>: each additional bit makes it 6 dB
        quieter. µ-law (ITU-T G.711) has 8 bits, but small steps for quiet samples and large ones
        for loud samples, so that quiet speech fares better than with 8 equal bits.
      </p>
      <div class="controls">
        ${this.#choice(
          'Steps',
          'coding',
          [
            ['linear', 'Equal'],
            ['mulaw', 'µ-law'],
          ],
          coding.kind,
          this.#setKind,
        )}
        <div class="field">
          <label for="bits"
            >Bits per sample:
            <strong class="number">${coding.kind === 'mulaw' ? 8 : coding.bits}</strong></label
          >
          <input
            id="bits"
            type="range"
            min="4"
            max="16"
            step="1"
            ?disabled=${coding.kind === 'mulaw'}
            .value=${String(coding.kind === 'mulaw' ? 8 : coding.bits)}
            @input=${this.#setBits}
          />
        </div>
        ${this.#choice('You hear', 'heard', HEARD, bench.heard, this.#setHeard)}
      </div>
      <figure>
        <svg
          class="wave"
          viewBox="0 0 ${WAVE_WIDTH} ${WAVE_HEIGHT}"
          preserveAspectRatio="none"
          role="img"
          aria-label="20 ms of the source and of the coded audio"
        >
          <rect
            class="window"
            x=${(WAVE_WIDTH * span.from) / samples.length}
            y="0"
            width=${(WAVE_WIDTH * (span.to - span.from)) / samples.length}
            height=${WAVE_HEIGHT}
          />
          ${zeroLine()}
          <path class="original" d=${curveOf(samples)} />
          <path class="coded" d=${stairsOf(coded)} />
        </svg>
        <svg
          class="wave low"
          viewBox="0 0 ${WAVE_WIDTH} ${WAVE_HEIGHT}"
          preserveAspectRatio="none"
          role="img"
          aria-label="The quantisation noise of these 20 ms, enlarged"
        >
          ${zeroLine()}
          <path class="noise" d=${curveOf(noise, noisePeak(coding, noise))} />
        </svg>
        <figcaption class="caption legend">
          <span><i class="original" aria-hidden="true"></i>the source</span>
          <span><i class="coded" aria-hidden="true"></i>coded</span>
          <span
            ><i class="noise" aria-hidden="true"></i>the noise, enlarged to fill its picture</span
          >
          <span><i class="window" aria-hidden="true"></i>written out below</span>
        </figcaption>
      </figure>
      <dl class="figures">
        ${figure('Levels', coding.kind === 'mulaw' ? '255' : count(2 ** coding.bits))}
        ${figure('Signal', `${decibels(signalDbfs)} dBFS`)}
        ${figure('Noise', `${decibels(noiseDbfs)} dBFS`)}
        ${figure('Signal to noise', `${decibels(signalDbfs - noiseDbfs)} dB`)}
      </dl>
      <p class="caption">
        ${live ? 'Figures of the last second. The picture shows the loudest 20 ms of the last half second.' : 'Figures of these 20 ms.'}
        ${noiseWords(audibleNoiseGainDb(coding))}
      </p>
    </section>`;
  }

  #encoding(coded: Float32Array): TemplateResult {
    const isMulaw = this.bench.coding.kind === 'mulaw';
    const bytesPerSample = isMulaw ? 1 : 2;
    const bytes = bytesOf(coded, isMulaw);
    const text = encodeBase64(bytes);
    const marks = marksOf(this.selection, bytesPerSample, coded.length);
    const { from, to } = this.#span(coded.length);
    const byteAt = (index: number): string => bytes[index]!.toString(16).padStart(2, '0');
    const chips = (
      place: BytePlace,
      first: number,
      last: number,
      write: (index: number) => string,
    ) =>
      range(first, last).map((index): Chip => ({
        index,
        text: write(index),
        name: `${NAMES[place]} ${index}: ${write(index)}`,
        marked: isIn(marks[place], index),
      }));
    const samples = chips('sample', from, to, (i) =>
      String(integerOf(coded[i]!)).replace('-', '−'),
    );
    const bytesShown = chips('byte', from * bytesPerSample, to * bytesPerSample, byteAt);
    const { from: firstCharacter } = marksOf(
      { place: 'sample', index: from },
      bytesPerSample,
      coded.length,
    ).character;
    const { to: lastCharacter } = marksOf(
      { place: 'sample', index: to - 1 },
      bytesPerSample,
      coded.length,
    ).character;
    const characters = chips('character', firstCharacter, lastCharacter, (i) => text[i]!);
    return html`<section class="panel" aria-labelledby="encoding">
      <div class="head">
        <h3 id="encoding">Encoding</h3>
        ${this.#hold()}
      </div>
      <p class="prose">
        ${
          isMulaw
            ? 'A sample of µ-law is one byte.'
            : 'Each sample is written as 16 bits, the low byte first (little endian), whatever number of levels it was rounded to.'
        }
        Where a message must be text, three bytes become four Base64 characters of 6 bits each.
        Press a sample, a byte or a character; the arrow keys move along.
      </p>
      ${this.#row('sample', 'Samples', samples)}
      ${this.#row('byte', 'Bytes, hexadecimal', bytesShown)}
      ${this.#row('character', 'Base64', characters)}
      <div class="field">
        <label for="place">Place in the 20 ms</label>
        <input
          id="place"
          type="range"
          min="0"
          max=${coded.length - 1}
          step="1"
          .value=${String(marks.sample.from)}
          aria-valuetext="Sample ${marks.sample.from} of ${coded.length}"
          @input=${(event: Event) =>
            this.#select('sample', Number((event.target as HTMLInputElement).value))}
        />
      </div>
      <p class="reading" aria-live=${this.held || !this.voice.active ? 'polite' : 'off'}>
        ${readingOf(marks, coded, bytes, text)}
      </p>
    </section>`;
  }

  #packets({ opus, samples, sampleRate }: PcmMoment, coded: Float32Array): TemplateResult {
    const { recording, recordedBytesPerSecond } = this.bench;
    const pcmBytes = 2 * coded.length;
    const rows: readonly (readonly [string, number | null, string])[] = [
      [
        'Samples of 16 bits',
        pcmBytes,
        'Every byte counts as itself; nothing is lost but what rounding loses.',
      ],
      [
        'The same as Base64',
        Math.ceil(pcmBytes / 3) * 4,
        'A third more, so that it can travel as text.',
      ],
      ['µ-law', coded.length, 'Half as many; the noise rises and falls with the voice.'],
      [
        'One packet of Opus',
        opus?.length ?? null,
        'The codec sends what the ear needs, not the samples.',
      ],
      [
        'MediaRecorder',
        recordedBytesPerSecond === null ? null : recordedBytesPerSecond / CHUNKS_PER_SECOND,
        'Opus in a file; the mean, since it writes at irregular times.',
      ],
    ];
    return html`<section class="panel" aria-labelledby="packets">
        <h3 id="packets">The same 20 ms in five ways</h3>
        <div class="scroll" tabindex="0" role="region" aria-label="Sizes of the same 20 ms">
          <table>
            <thead>
              <tr>
                <th scope="col">Way</th>
                <th scope="col">Bytes</th>
                <th scope="col">kbit/s</th>
                <th scope="col" class="wide">What it does</th>
              </tr>
            </thead>
            <tbody>
              ${rows.map(
                ([name, size, words]) =>
                  html`<tr>
                    <th scope="row">${name}</th>
                    <td class="number">${size === null ? '–' : count(Math.round(size))}</td>
                    <td class="number">
                      ${size === null ? '–' : kilobits(size * CHUNKS_PER_SECOND)}
                    </td>
                    <td class="wide">${words}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        <p class="caption">${samples.length} samples at ${sampleRate / 1000} kHz.</p>
      </section>
      <div class="pair">
        <section class="panel" aria-labelledby="opus">
          <h3 id="opus">The packet of Opus</h3>
          ${opus === null ? html`<p class="caption">Press Start: it appears with the first chunk.</p>` : opusTemplate(opus)}
        </section>
        <section class="panel" aria-labelledby="file">
          <h3 id="file">What MediaRecorder writes</h3>
          ${this.#file(recording)}
        </section>
      </div>`;
  }

  #file(recording: Uint8Array | null): TemplateResult {
    const { recordingProblem } = this.bench;
    if (recordingProblem !== '') return html`<p class="caption">${recordingProblem}</p>`;
    if (recording === null) {
      return html`<p class="caption">
        Press Start: the first pieces of its file appear here, element by element. Only the first
        piece has the header; no later one can be read without it.
      </p>`;
    }
    const file = readMediaFile(recording);
    if (file === null)
      return html`<p class="caption">${byteText(recording.length)} of an unknown format.</p>`;
    const { kind, elements } = file;
    const packet = elements.map(packetOfBlock).find((found) => found !== null);
    return html`<p class="caption">
        ${kind.label} (${kind.clause}); the first ${byteText(recording.length)}, up to the first
        packet.
      </p>
      <ul class="elements" tabindex="0" aria-label="Elements of the file">
        ${elements.slice(0, SHOWN_ELEMENTS).map(
          (element) =>
            html`<li .style="padding-left: ${element.depth}rem">
              <strong>${element.name}</strong>
              <span class="caption"
                >${element.contentBytes === null ? 'length not known' : byteText(element.contentBytes)}
                ${contentWords(element)}</span
              >
            </li>`,
        )}
      </ul>
      ${packet === undefined ? nothing : html`<p class="caption">Its first packet begins with the byte ${hex(packet.subarray(0, 1))}: ${opusTocFields(packet)[0]!.meaning}</p>`}`;
  }

  #row(place: BytePlace, label: string, chips: readonly Chip[]): TemplateResult {
    return html`<div class="row">
      <h4 id=${`row-${place}`}>${label}</h4>
      <lab-learn-chips
        .label=${label}
        .chips=${chips}
        @learn-pick=${({ detail }: CustomEvent<number>) => this.#select(place, detail)}
      ></lab-learn-chips>
    </div>`;
  }

  #hold(): TemplateResult {
    return html`<button
      type="button"
      aria-pressed=${this.held}
      ?disabled=${!this.voice.active && !this.held}
      @click=${() => (this.held = !this.held)}
    >
      ${this.held ? 'Held' : 'Hold'}
    </button>`;
  }

  #choice<Value extends string | number>(
    label: string,
    name: string,
    options: readonly (readonly [Value, string])[],
    current: Value,
    set: (value: Value) => void,
  ): TemplateResult {
    return html`<fieldset>
      <legend>${label}</legend>
      <div class="choice">
        ${options.map(
          ([value, text]) =>
            html`<label
              ><input
                type="radio"
                name=${name}
                .value=${String(value)}
                .checked=${value === current}
                @change=${() => set(value)}
              />${text}</label
            >`,
        )}
      </div>
    </fieldset>`;
  }

  /** The samples that are written out: where the selection is, on a grid of its own. */
  #span(samples: number): { readonly from: number; readonly to: number } {
    const bytesPerSample = this.bench.coding.kind === 'mulaw' ? 1 : 2;
    const { sample } = marksOf(this.selection, bytesPerSample, samples);
    const from = Math.min(Math.floor(sample.from / WINDOW) * WINDOW, samples - WINDOW);
    return { from, to: from + WINDOW };
  }

  #select(place: BytePlace, index: number): void {
    const bytesPerSample = this.bench.coding.kind === 'mulaw' ? 1 : 2;
    const length = lengthsOf(this.#shown.samples.length, bytesPerSample)[place];
    this.selection = { place, index: Math.max(0, Math.min(length - 1, index)) };
    // What is selected remains.
    if (this.voice.active) this.held = true;
  }

  #moveToSample(): void {
    const bytesPerSample = this.bench.coding.kind === 'mulaw' ? 1 : 2;
    const { sample } = marksOf(this.selection, bytesPerSample, this.#shown.samples.length);
    this.selection = { place: 'sample', index: sample.from };
  }

  readonly #setRate = (sampleRate: PcmRate): void => {
    this.bench.sampleRate = sampleRate;
    this.bench.forget();
    this.held = false;
    this.selection = { place: 'sample', index: 26 };
    this.#shown = example(sampleRate);
    this.requestUpdate();
    void this.voice.reopen();
  };

  readonly #setKind = (kind: Coding['kind']): void => {
    this.#moveToSample();
    this.bench.coding = kind === 'mulaw' ? { kind } : { kind, bits: 8 };
    this.requestUpdate();
  };

  readonly #setBits = (event: Event): void => {
    this.bench.coding = { kind: 'linear', bits: Number((event.target as HTMLInputElement).value) };
    this.requestUpdate();
  };

  readonly #setHeard = (heard: PcmHeard): void => {
    this.bench.hear(heard);
    this.requestUpdate();
  };
}

const NAMES: Readonly<Record<BytePlace, string>> = {
  sample: 'Sample',
  byte: 'Byte',
  character: 'Character',
};

function example(sampleRate: PcmRate): PcmMoment {
  const samples = exampleVoice(sampleRate, (sampleRate * PCM_CHUNK_MS) / 1000);
  return { sampleRate, samples, opus: null };
}

function noiseWords(gainDb: number): string {
  const how = gainDb < 0.5 ? 'as loud as it is' : `${gainDb.toFixed(0)} dB louder than it is`;
  return `Alone, the noise is played ${how}, so that it can be heard at any number of bits.`;
}

/** The level that fills the picture of the noise: its peak, and at least half a step. */
function noisePeak(coding: Coding, noise: Float32Array): number {
  return noise.reduce((peak, value) => Math.max(peak, Math.abs(value)), stepOf(coding) / 2);
}

function bytesOf(samples: Float32Array, isMulaw: boolean): Uint8Array {
  const encoder = new SampleEncoder({ format: isMulaw ? 'mulaw' : 's16', channels: 1 });
  const bytes = new Uint8Array(samples.length * encoder.bytesPerFrame);
  encoder.encode([samples], 0, samples.length, bytes, 0);
  return bytes;
}

function integerOf(sample: number): number {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** What the marked places say, in a sentence. */
function readingOf(
  { sample, byte, character }: ByteMarks,
  coded: Float32Array,
  bytes: Uint8Array,
  text: string,
): TemplateResult {
  const values = range(sample.from, sample.to).map((i) =>
    String(integerOf(coded[i]!)).replace('-', '−'),
  );
  return html`Sample <b>${values.join(' and ')}</b> ↔ bytes
    <b>${hex(bytes.subarray(byte.from, byte.to))}</b> ↔ characters
    <b>${text.slice(character.from, character.to)}</b>`;
}

function opusTemplate(packet: Uint8Array): TemplateResult {
  const fields = opusTocFields(packet);
  return html`<p>
      ${packet.length} bytes. The first one, <b class="mono">${hex(packet.subarray(0, 1))}</b>, is
      the table of contents:
    </p>
    <dl class="bits">
      ${fields.map(
        ({ name, bits, meaning }) =>
          html`<div>
            <dt><code>${bits}</code> <span class="caption">${name}</span></dt>
            <dd>${meaning}</dd>
          </div>`,
      )}
    </dl>
    <p class="payload mono">
      ${hex(packet.subarray(0, SHOWN_BYTES))}${packet.length > SHOWN_BYTES ? ' …' : ''}
    </p>`;
}
