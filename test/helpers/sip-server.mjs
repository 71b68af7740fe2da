import { SipServer, hasKamailio } from '../../scripts/sip/sip-server.mjs';

const server = new SipServer('secret of ');

/**
 * For tests in the browser: the one SIP server that they share.
 *
 * @param {unknown} _context
 * @param {'has' | 'start' | 'kill' | 'end'} action
 * @returns {Promise<string>} of `has`: empty where kamailio is not installed; of `start`: the address
 */
export async function sipServer(_context, action) {
  if (action === 'has') return (await hasKamailio()) ? 'kamailio' : '';
  return (await server[action]()) ?? '';
}
