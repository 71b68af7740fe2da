/** docs/sip-ladders.md: written by these tests (`npx vitest run --project node test/sip-ladders-page.test.ts -u`). */
import { expect, it } from 'vitest';
import { SipLadder } from '../src/core/sip/sip-ladder.ts';
import { sipLadderText } from '../src/core/sip/sip-ladder-drawing.ts';
import { CALL_FLOWS } from './helpers/sip-flows.ts';

/** What each call is, and what its ladder shows. */
const WORDS: Readonly<Record<keyof typeof CALL_FLOWS, string>> = {
  answered:
    'An INVITE, its answer and ACK; then Bob hangs up (RFC 3665 §3.1). The answer came twice, because its ACK was late.',
  cancelled:
    'Alice hangs up before Bob answers (RFC 3665 §3.8). CANCEL has an answer of its own, and ends the INVITE with 487.',
  busy: 'Bob is in another call (RFC 3665 §3.9). The ACK of a refusal belongs to its INVITE.',
  declined: 'Bob does not want the call, on any of his telephones.',
  'not found': 'There is no such user.',
  challenged:
    'The proxy asks for a password with 407, and Alice calls again with it (RFC 3665 §3.2). A registrar asks with 401.',
  held: 'Alice puts Bob on hold with an INVITE within the call (RFC 6337 §5.3).',
  'early audio':
    'Bob’s side sends audio before he answers, in a provisional response that is acknowledged (PRACK, RFC 3262).',
};

function drawn(name: string): string {
  const ladder = new SipLadder();
  for (const step of CALL_FLOWS[name]!()) ladder.add(step);
  const transactions = ladder.transactions.map(
    ({ method, status, state, isReinvite }) =>
      `${isReinvite ? 're-' : ''}${method} ${status} (${state})`,
  );
  const dialogs = ladder.dialogs.map(({ state, reason }) => `${state}: ${reason}`);
  return [
    `## ${name[0]!.toUpperCase()}${name.slice(1)}`,
    '',
    WORDS[name]!,
    '',
    '```',
    sipLadderText(ladder.entries),
    '```',
    '',
    `- Transactions: ${transactions.join(', ')}`,
    `- Dialog: ${dialogs.join(', ') || 'none'}`,
  ].join('\n');
}

it('the guide shows the ladders of eight kinds of calls', async () => {
  const names = Object.keys(CALL_FLOWS);
  expect(names).toHaveLength(8);
  const page = [
    '# Ladders of SIP calls',
    '',
    'Eight kinds of calls as [`SipLadder`](sip.md#the-ladder) takes them apart and draws them: Alice and her proxy, by the',
    'examples of RFC 3665. A test writes this page.',
    '',
    ...names.map((name) => `${drawn(name)}\n`),
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../docs/sip-ladders.md');
});
