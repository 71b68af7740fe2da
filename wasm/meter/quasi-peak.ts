import { frameOf } from './pair';

/** Below −300 dBFS an integrator is empty: it would fall into denormals, which are slow. */
const NEGLIGIBLE: f64 = 1e-15;

/**
 * Charges and empties the quasi-peak integrators of all channels, two at a time. `ballistics`: the numbers of PpmBallistics
 * in their order, 64-bit floats. `state`: six per pair of channels: slow, fast and the highest reading, each of two channels.
 */
export function charge(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  ballistics: usize,
  state: usize,
): void {
  const fall = v128.load64_splat(ballistics);
  const slowKeep = v128.load64_splat(ballistics, 8);
  const slowTake = v128.load64_splat(ballistics, 16);
  const fastKeep = v128.load64_splat(ballistics, 24);
  const fastTake = v128.load64_splat(ballistics, 32);
  const slowShare = v128.load64_splat(ballistics, 40);
  const fastShare = v128.load64_splat(ballistics, 48);
  const negligible = f64x2.splat(NEGLIGIBLE);
  for (let channel = 0; channel < channels; channel += 2) {
    let slow = v128.load(state);
    let fast = v128.load(state, 16);
    let most = v128.load(state, 32);
    const end = input + (<usize>frames << 2);
    for (let at = input; at < end; at += 4) {
      const size = f64x2.abs(frameOf(at, at + stride));
      // Charging is more than falling just when the input is above what has fallen.
      const slowCharged = f64x2.add(f64x2.mul(slowKeep, slow), f64x2.mul(slowTake, size));
      const fastCharged = f64x2.add(f64x2.mul(fastKeep, fast), f64x2.mul(fastTake, size));
      slow = f64x2.pmax(f64x2.mul(fall, slow), slowCharged);
      fast = f64x2.pmax(f64x2.mul(fall, fast), fastCharged);
      const level = f64x2.add(f64x2.mul(slow, slowShare), f64x2.mul(fast, fastShare));
      most = f64x2.pmax(most, level);
    }
    v128.store(state, v128.and(slow, f64x2.ge(slow, negligible)));
    v128.store(state, v128.and(fast, f64x2.ge(fast, negligible)), 16);
    v128.store(state, most, 32);
    input += 2 * stride;
    state += 48;
  }
}
