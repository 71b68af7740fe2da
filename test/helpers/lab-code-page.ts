import { LANE_IDS } from '../../demo/lanes/lane-ids.ts';
import { laneUse } from '../../demo/lanes/lane-code.ts';
import { LANES } from '../../demo/lanes/lanes.ts';
import { DEFAULT_RUN } from '../../demo/runs/address.ts';

const HEAD = `\
# Code of each lane

What an app writes to carry audio as a lane of [the lab](lab.md) does: from the microphone to the loudspeaker, with
both ends in one page. Each block runs as it is in a page that \`npm start\` serves, whose \`/echo\` sends back what
it gets. In the lab, press *Details* of a lane: *Use this* shows the same code with the settings of the moment.

This page is generated from \`demo/lanes/lane-code.ts\`: \`npx vitest run --project node test/lab-code.test.ts -u\`.`;

/** docs/lab-code.md, from what the lab itself shows. */
export function labCodePage(): string {
  const lanes = LANE_IDS.flatMap((id) => {
    const { label } = LANES[id];
    const { code, guide } = laneUse(id, DEFAULT_RUN);
    const name = guide.replace('docs/', '');
    return [`## ${label}`, '', `\`\`\`ts\n${code}\`\`\``, '', `Guide: [${name}](${name}).`, ''];
  });
  return [HEAD, '', ...lanes].join('\n');
}
