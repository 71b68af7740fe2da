import { parentPort, workerData } from 'node:worker_threads';
import { WebSocket } from 'ws';

/*
 * A thread with a client that sends numbered messages as soon as it may, whatever the thread of the server does. It tells
 * how many came back.
 */

/** @type {{ url: string, count: number }} */
const { url, count } = workerData;
const socket = new WebSocket(url, { origin: new URL(url).origin.replace('ws', 'http') });
let sent = 0;
/** @type {number[]} */
const echoed = [];

const sendNext = () => {
  if (sent === count || socket.readyState !== WebSocket.OPEN) return;
  socket.send(Uint8Array.of(sent++));
  setImmediate(sendNext);
};
/** @param {string} ending */
const tell = (ending) => parentPort?.postMessage({ ending, echoed });

socket.on('open', sendNext);
socket.on('message', (/** @type {Buffer} */ data) => {
  echoed.push(data[0] ?? -1);
  if (data[0] === count - 1) tell('all');
});
socket.on('close', () => tell('closed'));
socket.on('error', () => tell('failed'));
