/**
 * `npm run phone`: starts a SIP server (kamailio), a media gateway (rtpengine) and a telephone (baresip) of this system, on this
 * machine only, and prints what a page needs to call and be called. Ctrl+C ends all three. Commands, one a line: `call LINE USER`
 * and `hangup` of the telephone. `-- --udp-host 192.168.1.5`: the gateway's address of this machine, for Firefox, which does not use
 * loopback addresses for calls; the gateway's audio ports can then be reached from your network.
 */
import { isIP } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { fail } from './ensure-installed.mjs';
import { PAGE_USER, Telephones, missingPackages, telephoneCure } from './sip/telephones.mjs';

const { values } = (() => {
  try {
    return parseArgs({ options: { 'udp-host': { type: 'string', default: '127.0.0.1' } } });
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\nKnown: --udp-host.`);
  }
})();
const address = values['udp-host'];
if (isIP(address) !== 4) {
  fail(`--udp-host must be an IPv4 address of this machine, got '${address}'.`);
}
const missing = await missingPackages();
if (missing.length > 0) fail(telephoneCure(missing));

const telephones = await Telephones.open(address).catch((/** @type {Error} */ error) =>
  fail(error.message),
);
const { url, uri, password } = telephones.accountOf();
const [line, other] = telephones.lines;
console.log(`
The telephone is up. In a page:

  const phone = await SipPhone.open({
    url: '${url}',
    uri: '${uri}',
    password: '${password}',
  });
  const call = phone.call('${line}', { track });

${line} takes Opus and G.711, ${other} G.711 only. Both answer by themselves.
Type "call phone ${PAGE_USER}" and Enter to have the page called, "hangup" to end that call. Ctrl+C ends everything.`);

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end());

createInterface({ input: process.stdin }).on('line', (text) => {
  void command(text.trim()).catch((/** @type {Error} */ error) => console.log(error.message));
});

async function end() {
  await telephones.close();
  process.exit();
}

/** @param {string} text */
async function command(text) {
  const [, name, user] = /^call (phone|desk) ([\w.-]+)$/.exec(text) ?? [];
  if (name !== undefined && user !== undefined) await telephones.dial(name, user);
  else if (text === 'hangup') await telephones.telephone.hangUp();
  else if (text !== '') console.log('Commands: call phone USER, call desk USER, hangup.');
}
