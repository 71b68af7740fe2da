/**
 * Phrases that `npm run check` refuses in Markdown, sources, tests and the lab: each has a reason and what to write instead. To quote
 * one, put `words: quote` in a comment on the same line or the line before; in Markdown,
 * between `<!-- words: quote -->` and `<!-- words: end -->`.
 *
 * @type {readonly { pattern: RegExp, reason: string, instead: string }[]}
 */
export const BANNED_WORDS = [
  {
    pattern: /\bma(?:de|ke|kes|king)[- ]up\b/i,
    reason: 'Ambiguous: invented, composed or compensated.',
    instead: 'conceal, concealed, synthetic, compensate, consists of',
  },
  {
    pattern: /\banew\b/i,
    reason: 'Archaic.',
    instead: 'again, restarts, from the start',
  },
  {
    pattern: /\bgo(?:es)? on\b(?! to\b)|\bwent on\b/i,
    reason: 'Reads as "turns on" or as speech.',
    instead: 'continues, continue',
  },
  {
    pattern: /(?<!\bthere )\b(?:is|are|was|were) none\b/i,
    reason: 'A reader has to look for what is missing.',
    instead: 'there is no x; is not a x; without x',
  },
  {
    pattern: /\b(?:what|that|which) (?:is|are) no (?!longer|more\b|less\b)/i,
    reason: 'A negated noun where English negates the verb.',
    instead: 'that is not a packet; anything else',
  },
  {
    pattern: /\breckon(?:s|ed|ing)?\b/i,
    reason: 'Dialect.',
    instead: 'compute, calculate, estimate, expect',
  },
  {
    pattern: /\b(?:to|can|could|may) be had\b/i,
    reason: 'Archaic.',
    instead: 'is available, can be repeated',
  },
  {
    pattern: /\bin turns\b/i,
    reason: 'Not idiomatic.',
    instead: 'alternating, one after the other',
  },
  {
    pattern: /\bwhoever\b/i,
    reason: 'A headless clause.',
    instead: 'name the thing: the reader, the peer, anyone who',
  },
  {
    pattern: /^[\s*/|>-]*Who [a-z][^?]*$|[.;] Who [a-z][^?]*\.$/,
    reason: 'A headless clause.',
    instead: 'Apps that …, The caller …',
  },
  {
    pattern: /\b(?:sees?|saw) to (?:it|that)\b/i,
    reason: 'A test or a table does something definite.',
    instead: 'ensures, keeps, measures, holds',
  },
  {
    pattern: /\bthere and back\b/i,
    reason: 'One term for one thing.',
    instead: 'round trip',
  },
  {
    pattern: /\btaken along\b/i,
    reason: 'Not idiomatic.',
    instead: 'bundled, included',
  },
  {
    pattern: /\b(?:gives?|gave|given) way\b/i,
    reason: 'A structure that collapses.',
    instead: 'is dropped, is replaced',
  },
  {
    pattern: /\bper cent\b/i,
    reason: 'One spelling.',
    instead: 'percent',
  },
  {
    pattern: /\b(?:link|the) engine's own\b(?=.*\bsplice\b)|\blink engine\b/i,
    reason: 'One term for one thing.',
    instead: 'simulated network',
  },
  {
    pattern:
      /\b(?:stands?|stood) (?:at|in(?! for\b)|behind|before|beside|below|above|over|there|here|where|between|around|after|under|twice)\b/i,
    reason: 'Translated: English says where a thing is, not where it stands.',
    instead: 'is, lies, follows, precedes, is written in',
  },
  {
    pattern: /\b(?:tells?|told) (?:no|nothing)\b/i,
    reason: 'One tells somebody; data, servers and engines do not.',
    instead: 'says nothing, gives no, reports no',
  },
  {
    pattern: /\bnothing of (?:it|that|this|them)\b/i,
    reason: 'Translated.',
    instead: 'none of it, none of them, no part of it',
  },
  {
    pattern: /\bone (?!or\b|and\b|any\b)[a-z]+ more\b(?! than\b)/i,
    reason: 'Translated: the noun comes last.',
    instead: 'one more packet',
  },
  {
    pattern: /\bby and by\b/i,
    reason: 'Archaic.',
    instead: 'gradually',
  },
];
