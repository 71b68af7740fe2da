import { LoopbackTransport, WebSocketTransport } from 'micwire';
import { describeTransport } from '../helpers/transport-contract.ts';

// The same contract as in Node, with the browser's own WebSocket and MessageChannel.
describeTransport('websocket', async (options) => WebSocketTransport.create('/echo', options));
describeTransport('loopback', async (options) => LoopbackTransport.create(options));
