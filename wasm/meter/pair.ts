/** A frame of two channels as two 64-bit floats. */
// @ts-ignore: decorator
@inline
export function frameOf(left: usize, right: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load_lane<f32>(right, v128.load32_zero(left), 1));
}
