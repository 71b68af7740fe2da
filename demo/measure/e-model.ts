/*
 * The E-model of ITU-T G.107 (06/2015), for narrowband telephony: what planners of telephone networks expect people to say of a
 * connection. Names are those of its table 2; clauses are of §7.
 */

/** What the model knows of a connection. */
export interface EModelParameters {
  /** Send loudness rating, dB. */
  readonly slr: number;
  /** Receive loudness rating, dB. */
  readonly rlr: number;
  /** Sidetone masking rating, dB. */
  readonly stmr: number;
  /** D-value of the telephone at the sender, dB. */
  readonly ds: number;
  /** D-value of the telephone at the receiver, dB. */
  readonly dr: number;
  /** Talker echo loudness rating, dB. */
  readonly telr: number;
  /** Weighted echo path loss, dB. */
  readonly wepl: number;
  /** Mean one-way delay of the echo path, ms. */
  readonly t: number;
  /** Round-trip delay in a four-wire loop, ms. */
  readonly tr: number;
  /** Absolute delay, mouth to ear, in connections free of echo, ms. */
  readonly ta: number;
  /** Quantising distortion units. */
  readonly qdu: number;
  /** Equipment impairment factor: the codec's. */
  readonly ie: number;
  /** Packet-loss robustness factor: the codec's. */
  readonly bpl: number;
  /** Lost packets, in percent: those that are too late too. */
  readonly ppl: number;
  /** Burst ratio: mean length of bursts of loss over that of random loss. At least 1. */
  readonly burstR: number;
  /** Circuit noise at the 0 dBr point, dBm0p. */
  readonly nc: number;
  /** Noise floor at the receiver, dBmp. */
  readonly nfor: number;
  /** Room noise at the sender, dB(A). */
  readonly ps: number;
  /** Room noise at the receiver, dB(A). */
  readonly pr: number;
  /** Advantage factor: what users forgive for being mobile, 0 to 20. */
  readonly a: number;
}

/** The default values of G.107, table 2: they give R = 93.2. */
const E_MODEL_DEFAULTS: EModelParameters = {
  slr: 8,
  rlr: 2,
  stmr: 15,
  ds: 3,
  dr: 3,
  telr: 65,
  wepl: 110,
  t: 0,
  tr: 0,
  ta: 0,
  qdu: 1,
  ie: 0,
  bpl: 4.3,
  ppl: 0,
  burstR: 1,
  nc: -70,
  nfor: -64,
  ps: 35,
  pr: 35,
  a: 0,
};

/** Delay below which it impairs nothing, mT, ms; and how sensitive users are to it, sT: both of the default class of users. */
const DELAY_FREE_MS = 100;
const DELAY_SENSITIVITY = 1;

/** The rating factor R: about 0 to 93.2, larger is better. @param parameters what differs from the defaults */
export function ratingFactor(parameters: Partial<EModelParameters> = {}): number {
  const p = { ...E_MODEL_DEFAULTS, ...parameters };
  const no = noise(p);
  const ro = 15 - 1.5 * (p.slr + no);
  const ist = sidetoneImpairment(p);
  const is = loudnessImpairment(p, no) + ist + quantisingImpairment(p, ro);
  const id =
    talkerEchoImpairment(p, no, ist) + listenerEchoImpairment(p, ro) + delayImpairment(p.ta);
  return ro - is - id - equipmentImpairment(p) + p.a;
}

/** Idd (§7.4): what absolute delay alone takes off R. @param ta ms */
export function delayImpairment(ta: number): number {
  if (ta <= DELAY_FREE_MS) return 0;
  const x = Math.log2(ta / DELAY_FREE_MS);
  const power = 6 * DELAY_SENSITIVITY;
  return 25 * ((1 + x ** power) ** (1 / power) - 3 * (1 + (x / 3) ** power) ** (1 / power) + 2);
}

/** Ie-eff (§7.5): what codec and lost packets take off R. */
export function equipmentImpairment({
  ie,
  bpl,
  ppl,
  burstR,
}: Pick<EModelParameters, 'ie' | 'bpl' | 'ppl' | 'burstR'>): number {
  return ie + ((95 - ie) * ppl) / (ppl / burstR + bpl);
}

/** No (§7.2): all noise, at the 0 dBr point, dBm0p. */
function noise({ slr, rlr, ds, dr, stmr, ps, pr, nc, nfor }: EModelParameters): number {
  const olr = slr + rlr;
  const lstr = stmr + dr;
  const nos = ps - slr - ds - 100 + 0.004 * (ps - olr - ds - 14) ** 2;
  const pre = pr + decibels(1 + powerOf(10 - lstr));
  const nor = rlr - 121 + pre + 0.008 * (pre - 35) ** 2;
  const nfo = nfor + rlr;
  return decibels(powerOf(nc) + powerOf(nos) + powerOf(nor) + powerOf(nfo));
}

/** Iolr (§7.3.1): too little loudness. */
function loudnessImpairment({ slr, rlr }: EModelParameters, no: number): number {
  const xolr = slr + rlr + 0.2 * (64 + no - rlr);
  return 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8);
}

/** Ist (§7.3.2): too much or too little of one's own voice. */
function sidetoneImpairment({ stmr, telr, t }: EModelParameters): number {
  const stmro = -decibels(powerOf(-stmr) + Math.exp(-t / 4) * powerOf(-telr));
  return (
    12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8) -
    28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35) -
    13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13) +
    29
  );
}

/** Iq (§7.3.3): quantising distortion. */
function quantisingImpairment({ qdu }: EModelParameters, ro: number): number {
  const q = 37 - 15 * Math.log10(qdu);
  const g = 1.07 + 0.258 * q + 0.0602 * q ** 2;
  const y = (ro - 100) / 15 + 46 / 8.4 - g / 9;
  const z = 46 / 30 - g / 40;
  return 15 * Math.log10(1 + 10 ** y + 10 ** z);
}

/** Idte (§7.4): talker echo. */
function talkerEchoImpairment(
  { rlr, stmr, telr, t }: EModelParameters,
  no: number,
  ist: number,
): number {
  const roe = -1.5 * (no - rlr);
  const plain = telr - 40 * Math.log10((1 + t / 10) / (1 + t / 150)) + 6 * Math.exp(-0.3 * t ** 2);
  const terv = stmr < 9 ? plain + ist / 2 : plain;
  const re = 80 + 2.5 * (terv - 14);
  const half = (roe - re) / 2;
  const idte = (half + Math.sqrt(half ** 2 + 100) - 1) * (1 - Math.exp(-t));
  return stmr > 20 ? Math.sqrt(idte ** 2 + ist ** 2) : idte;
}

/** Idle (§7.4): listener echo. */
function listenerEchoImpairment({ wepl, tr }: EModelParameters, ro: number): number {
  const rle = 10.5 * (wepl + 7) * (tr + 1) ** -0.25;
  const half = (ro - rle) / 2;
  return half + Math.sqrt(half ** 2 + 169);
}

function decibels(power: number): number {
  return 10 * Math.log10(power);
}

function powerOf(db: number): number {
  return 10 ** (db / 10);
}
