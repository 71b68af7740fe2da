import { CAPTURE_OPUS_WORKLET } from '../../src/web/capture-opus-worklet.ts';
import { CAPTURE_WORKLET } from '../../src/web/capture-worklet.ts';
import { METER_WORKLET } from '../../src/web/meter-worklet.ts';
import { MICROPHONE_WORKLET } from '../../src/web/microphone-worklet.ts';
import { MIXER_WORKLET } from '../../src/web/mixer-worklet.ts';
import { PLAYOUT_WORKLET } from '../../src/web/playout-worklet.ts';
import { RECEIVE_OPUS_WORKLET } from '../../src/web/receive-opus-worklet.ts';
import { RECEIVE_WORKLET } from '../../src/web/receive-worklet.ts';
import type { WorkletFile } from '../../src/web/worklet-file.ts';

/** Every worklet that the package ships. */
export const WORKLET_FILES: readonly WorkletFile[] = [
  CAPTURE_OPUS_WORKLET,
  CAPTURE_WORKLET,
  METER_WORKLET,
  MICROPHONE_WORKLET,
  MIXER_WORKLET,
  PLAYOUT_WORKLET,
  RECEIVE_OPUS_WORKLET,
  RECEIVE_WORKLET,
];
