/** Every worklet that the package ships. */
export { CAPTURE_OPUS_WORKLET } from '../../src/web/capture-opus-worklet.ts';
export { CAPTURE_WORKLET } from '../../src/web/capture-worklet.ts';
export { METER_WORKLET } from '../../src/web/meter-worklet.ts';
export { MICROPHONE_WORKLET } from '../../src/web/microphone-worklet.ts';
export { MIXER_WORKLET } from '../../src/web/mixer-worklet.ts';
export { PLAYOUT_WORKLET } from '../../src/web/playout-worklet.ts';
export { RECEIVE_WORKLET } from '../../src/web/receive-worklet.ts';
