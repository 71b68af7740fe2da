import { test } from 'vitest';
test('first quanta', async () => {
  const context = new AudioContext();
  await context.resume();
  const code = `registerProcessor('p', class extends AudioWorkletProcessor { n = 0; log = []; process(i) { if (this.n < 40) { this.n++; this.log.push([currentFrame, i[0].length, i[1].length, i[1][0]?.[0]]); if (this.n === 40) this.port.postMessage(this.log); } return true; } })`;
  await context.audioWorklet.addModule('data:text/javascript,' + encodeURIComponent(code));
  const source = new ConstantSourceNode(context, { offset: 1 });
  source.start();
  const g = new GainNode(context);
  source.connect(g).connect(context.destination);
  for (let k = 0; k < 12; k++) {
    const node = new AudioWorkletNode(context, 'p', { numberOfInputs: 2, numberOfOutputs: 1 });
    const done = new Promise<any>((r) => (node.port.onmessage = ({ data }) => r(data)));
    g.connect(node, 0, 1);
    g.connect(node, 0, 0);
    node.connect(context.destination);
    const log: any[] = await done;
    const f = log[0][0];
    console.log(
      'FIRST',
      k,
      JSON.stringify(
        log
          .filter(
            (l: any, i: number) =>
              i === 0 ||
              l[2] !== log[i - 1][2] ||
              l[3] !== log[i - 1][3] ||
              l[0] !== log[i - 1][0] + 128,
          )
          .map(([a, ...b]: any) => [a - f, ...b]),
      ),
    );
  }
});
