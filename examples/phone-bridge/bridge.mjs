/**
 * A telephone call that is answered in a web page: Asterisk dials in by AudioSocket, the page by WebSocket. Node, no build.
 *
 *     exten => 100,1,Answer()
 *      same => n,AudioSocket(40325ec2-5efd-4bd3-805f-53576e581d13,127.0.0.1:9092)
 */
import { randomUUID } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { StreamConverter } from 'micwire/resampler';
import { StreamServer, serveAudioSocket } from 'micwire/node';
import { createServer as createVite } from 'vite';

const PAGE_PORT = Number(process.env.PAGE_PORT ?? 5173);
const PHONE_PORT = Number(process.env.PHONE_PORT ?? 9092);

/** Pages that wait for a call, the longest first. */
const waiting = new Set();
/** Page → what takes the samples that it sends, while it is in a call. */
const talking = new Map();

const pages = new StreamServer({
  async stream(page) {
    waiting.add(page);
    for await (const { bytes } of page) talking.get(page)?.(bytes);
    waiting.delete(page);
    talking.get(page)?.(null);
  },
});

async function connect(call, page) {
  const down = new StreamConverter({ input: call.format, output: page.format });
  const up = new StreamConverter({ input: page.format, output: call.format });
  talking.set(page, (bytes) => {
    if (bytes === null) call.hangup();
    else for (const chunk of up.convert(bytes)) void call.play(chunk);
  });
  page.session.send({ call: 'begins' });
  // A reply of a name of its own: the page plays it as it comes.
  const item = randomUUID();
  for await (const { bytes } of call) {
    for (const chunk of down.convert(bytes)) page.session.write({ item, bytes: chunk });
  }
  page.session.endItem(item);
  page.session.send({ call: call.ending });
  talking.delete(page);
  up.close();
  down.close();
}

async function answer(socket) {
  try {
    const call = await serveAudioSocket(socket);
    const [page] = waiting;
    if (page === undefined) return call.hangup();
    waiting.delete(page);
    await connect(call, page);
    if (page.ending === null) waiting.add(page);
  } catch (error) {
    console.error(error.message); // no call: a port scan, for example
  }
}

const phones = createTcp((socket) => void answer(socket));
phones.maxConnections = 100;
phones.listen(PHONE_PORT, '127.0.0.1');

const http = createHttp();
const vite = await createVite({ server: { middlewareMode: true, hmr: { server: http } } });
http.on('request', vite.middlewares);
http.on('upgrade', (request, socket, head) => {
  if (request.url === '/talk') void pages.handleUpgrade(request, socket, head);
});
http.listen(PAGE_PORT, '127.0.0.1', () => {
  console.log(
    `Answer at http://127.0.0.1:${http.address().port}/, call port ${phones.address().port}.`,
  );
});
