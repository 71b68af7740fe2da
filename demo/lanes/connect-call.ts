import { MicwireError } from 'micwire';
import type { Call } from 'micwire';
import { LOOPBACK_WORDS, isLoopbackInTheWay } from '../page/loopback-cause.ts';

/**
 * Connects a call; where Firefox has no path to the loopback, this fails as soon as that is known.
 * @param onlyServers addresses of STUN and TURN servers, if only their candidates may be used
 * @throws what `call.connect` throws; MicwireError `'transport'` with the cure
 */
export async function connectCall(call: Call, onlyServers: readonly string[] = []): Promise<void> {
  const { connection } = call;
  const settled = new AbortController();
  const inTheWay = new Promise<never>((_, reject) => {
    const look = (): void => {
      const search = {
        isGecko: 'mozInnerScreenX' in globalThis,
        gathering: connection.iceGatheringState,
        ice: connection.iceConnectionState,
        local: connection.localDescription?.sdp ?? '',
        remote: (call.role === 'caller' ? call.answer : call.offer) ?? '',
        onlyServers,
      };
      if (isLoopbackInTheWay(search)) reject(new MicwireError('transport', LOOPBACK_WORDS));
    };
    for (const type of ['icegatheringstatechange', 'iceconnectionstatechange']) {
      connection.addEventListener(type, look, settled);
    }
  });
  try {
    await Promise.race([call.connect(), inTheWay]);
  } finally {
    settled.abort();
  }
}
