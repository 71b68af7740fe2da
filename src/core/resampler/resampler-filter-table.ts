/** Designed by scripts/build-resampler-filters.mjs. Little-endian numbers in Base64: float64 for 'vhq', else float32. */

/** From the centre to one end, by quality and strictness. */
export const SHARP_FILTERS: Readonly<Record<string, string>> = {
  'voice:false':
    'AAAAP77Koj4AAAAAsB3XvQAAAAAdin09AAAAAD5FML0AAAAAXDsEPQAAAABVyM68AAAAAKWnpTwAAAAA1aOGvAAAAA' +
    'DWrVw8AAAAAB2VNbwAAAAAk48VPAAAAAA3C/a7AAAAAOu8yTsAAAAAuZ+kuwAAAADUg4U7AAAAAGH4VrsAAAAA2JIr' +
    'OwAAAADUmAe7AAAAAL/20zoAAAAAPp+jugAAAABAHnk6AAAAAOe0OroAAAAADH4JOgAAAACIgMa5AAAAAHMNjDkAAA' +
    'AACnFAuQAAAAAvHQA5AAAAAKUspLgAAAAAK39IOAAAAAAGwuW3AAAAAFFvcDcAAAAAdtP+tg==',
  'hq:false':
    'AAAAP3nVoj4AAAAAkJ3XvQAAAABvLn89AAAAAG2FMr0AAAAAnAsHPQAAAADva9W8AAAAAMEsrTwAAAAAVuWOvAAAAA' +
    'CRWm48AAAAAOoZSLwAAAAAiJooPAAAAAC4Rg68AAAAAFIT8DsAAAAAqT3KuwAAAAAl66k7AAAAAJk/jrsAAAAAUxxt' +
    'OwAAAABhlkS7AAAAANEFIjsAAAAAXKYEuwAAAAACndc6AAAAAHLTrboAAAAA+uiKOgAAAAAT5lu6AAAAAGg/LDoAAA' +
    'AA6WUFugAAAAC+Esw5AAAAAJ78mbkAAAAAtO1kOQAAAACJXSe5AAAAAFo18DgAAAAAu8uouAAAAAD2mGc4AAAAADaC' +
    'GrgAAAAAMXHHNwAAAABiQne3AAAAAIClETcAAAAAEE2gtgAAAAAV6x82AAAAACiGmrU=',
  'hq:true':
    '/UzxPpFEoj6pqek8yODQvcsg5bwHFmk9lLXdPDFWFL0HnNO86vrCPCkaxzxNqnq8n4W4vLZGFDxoQKg8IpOMu4i1lr' +
    'y2RyI6LlWEPBHtDzvHIWO8/xmNu5evPTwkp747HCYZvAxk37udiuw7MLDxO5Jqq7sJs/e7BQhgOy5z8zsOwuy659/m' +
    'u8982Dmn0tM7OwhFOgEMvLsp19y6Iy6hO+u9HDuWtoS7hPY8u97wTzuRL1A7ny4Yu3vNV7vGEMg6KGxVOx3YU7riyU' +
    'q7dVdAOS6zOTtaDbE5re8ju5TZRLoAMgs7xomKOgAU4rqBR6W6ka+tOqPKszrLDHe6xY23uqnsGjriT7I6p2eTuY3p' +
    'pboqAqY34z2UOh7rRjn/OX66Dea1udllUDpkGu450vAhuhwqB7oooOo5tdEMOojimLnfzgm6yNwiOR4NADqT3S+46P' +
    'HiuaamRbjHy785rO7qOMvwmbnuxCG5AV1oOcv1ODmdhiG5l2Y+uSJZxTh92TU50c03uFEtI7kHz4w2lBgKOT8ezzeE' +
    '9tu4bKE2uPtlozifNGE41wNeuKoUb7ixnwM4cBZqOIMQZrdMaF647+LZtUf6WDgPqKo3W251uFVhx7gi54y4bf64t7' +
    'JrHDWzUyI2',
  'vhq:false':
    'AAAAAAAA4D+E1c1z6F3UPwAAAAAAAAAARSm1yzkau78AAAAAAAAAAMINRzyZMrA/AAAAAAAAAADLenpq3QCnvwAAAA' +
    'AAAAAAWBJpXlLAoT8AAAAAAAAAABGzDYVSw5y/AAAAAAAAAACZrSVKSQ2YPwAAAAAAAAAAa8Jo8imPlL8AAAAAAAAA' +
    'AFv+H8U225E/AAAAAAAAAAC925Gv4GOPvwAAAAAAAAAAPilAMx/Yiz8AAAAAAAAAAO5pK7j634i/AAAAAAAAAADQZj' +
    'M8sFiGPwAAAAAAAAAAO+OZBdIphL8AAAAAAAAAAHjG/Du2QYI/AAAAAAAAAACrFewLR5OAvwAAAAAAAAAA/WuTtjwp' +
    'fj8AAAAAAAAAAOm4Q0g3fHu/AAAAAAAAAAC7gSCBixN5PwAAAAAAAAAABDV7zrrldr8AAAAAAAAAAJKLXnUf63Q/AA' +
    'AAAAAAAAD3NAT4fB1zvwAAAAAAAAAA8J9RT653cT8AAAAAAAAAAHogWjHS6m+/AAAAAAAAAADevVt9HyZtPwAAAAAA' +
    'AAAAfbdgBB2bar8AAAAAAAAAAEniwQyBRGg/AAAAAAAAAAC1BKiutR1mvwAAAAAAAAAAhk+76LciZD8AAAAAAAAAAK' +
    'K/LJr9T2K/AAAAAAAAAABxghLNYKJgPwAAAAAAAAAAXgVZSB4uXr8AAAAAAAAAACVxMw75Vls/AAAAAAAAAADS2rK/' +
    'sLpYvwAAAAAAAAAA3YRmxAlVVj8AAAAAAAAAAJFYc+kfIlS/AAAAAAAAAADgeyLTWh5SPwAAAAAAAAAAHWdvjGRGUL' +
    '8AAAAAAAAAAImwaJ1DLk0/AAAAAAAAAADohR9XVxtKvwAAAAAAAAAA4sPxsJRORz8AAAAAAAAAAJsZbsbhwkS/AAAA' +
    'AAAAAACMP0pMc3NCPwAAAAAAAAAADHbbqsZbQL8AAAAAAAAAAG5ZVSM67zw/AAAAAAAAAAAlN/Wj7oU5vwAAAAAAAA' +
    'AAYih9rCR0Nj8AAAAAAAAAAJ6V8DDIsjO/AAAAAAAAAADbEtXsMTsxPwAAAAAAAAAAPUcLWEUOLr8AAAAAAAAAAM+D' +
    'uPl9ISo/AAAAAAAAAACrIPx4FqUmvwAAAAAAAAAA2/JIq8+OIz8AAAAAAAAAAFUfMl0b1SC/AAAAAAAAAAAMtxjSKt' +
    '4cPwAAAAAAAAAAwyxqx/moGL8AAAAAAAAAAM8fdLta+xQ/AAAAAAAAAACewXggMMcRvwAAAAAAAAAASb7gufT+DT8A' +
    'AAAAAAAAAOjFcVyUMAm/AAAAAAAAAAAYvv9WZg0FPwAAAAAAAAAA9ExF93uBAb8AAAAAAAAAAFWt1/tq9fw+AAAAAA' +
    'AAAACG2QFFTtH3vgAAAAAAAAAAt13sC/x48z4AAAAAAAAAANv267OWo+++AAAAAAAAAACrCprVtIfpPgAAAAAAAAAA' +
    'w7Az6bhz5L4AAAAAAAAAALetcQ7NQeA+AAAAAAAAAAAlqQir/qDZvgAAAAAAAAAAAAAYP8IE1D4AAAAAAAAAAMPw3R' +
    'q49s6+AAAAAAAAAABJ0r+n2K/HPgAAAAAAAAAAt80KBCfnwb4AAAAAAAAAAAyD9OFvs7o+AAAAAAAAAADo+dxxdZyz' +
    'vgAAAAAAAAAAJUnYLiZQrD4AAAAAAAAAAEmSUCQKCKS+AAAAAAAAAAD0vAdC/K2bPgAAAAAAAAAAhuHtBQCVkr4AAA' +
    'AAAAAAAJ7nCyaTEYg+AAAAAAAAAACGYef1b799vgAAAAAAAAAAVVWUTyQ4cT4AAAAAAAAAAD1PPe0XUme+',
};

/** Weights of the image filter's basis, by quality, strictness and the rate of the images. */
export const SHORT_FILTERS: Readonly<
  Record<string, { readonly span: number; readonly weights: string }>
> = {
  'voice:false:1.0000000': {
    span: 12,
    weights: '0qoqPj2pKj5usyo+c5ImPgy+Bz6RfJA9jsacPPEb7DojxD43CLifs6lNwzQLcjS0Rq9dMg==',
  },
  'voice:false:0.6666667': {
    span: 18,
    weights: 'bY7jPVGM4z3omeM9mhjePWX9tD0WpkA9vghRPPZnnTrZWv42YPVUs8YzgjQPmPCzL8oTMg==',
  },
  'voice:false:0.7256236': {
    span: 16,
    weights: 'KQEAPh33/z1NBgA+O8j1PXTBuz1g8zE9xSkhPNqBKTrnUwO10zECtf2cXTT8izQzXwUItA==',
  },
  'voice:false:1.0884354': {
    span: 12,
    weights: 'yKkqPsqsKj6tqio+LYEpPuLgFz6tKsY9qPAXPdEn2jv/1bY5BDGrs3rTyrPFhbMxh48fM07yHLM=',
  },
  'voice:false:1.8375000': {
    span: 8,
    weights: 'CwCAPuD/fz6J/38+evJ/Pm4sez5dhlk+JroJPvGOUz2iqiA80mEiOq1T+DX2d0Kz4xn2Ml+rkDIA2eiy',
  },
  'hq:false:1.0000000': {
    span: 14,
    weights: 'T0gSPltLEj4yRhI+pt8RPvVfBz6nacI9sWIyPbp5MDx7EZI6mWLFN2IyMzJKwJ0xvzQUshiHIDGUN8Yw',
  },
  'hq:false:0.6666667': {
    span: 20,
    weights: 'ysvMPWnPzD1ozMw9s5rLPdb0tz0UDHY9yWTGPFkHnTszSqY5tXeaNfi0jbIn3IEyW7HVMZNGSLI=',
  },
  'hq:false:0.7256236': {
    span: 18,
    weights: '9orjPUiT4z0SkOM9Y4jhPbYFxz1iK3w9j/y5PMYTfjsJHkY5X2U1MsJFNLPSB3qyDqMDM1Qv3rI=',
  },
  'hq:false:1.0884354': {
    span: 12,
    weights: 'OKgqPnauKj4OrCo+SiYpPkhEFT6KIL09a30LPdWOvjuGlpQ5BwyIMlI0h7PehbuylXRFM3+jJrM=',
  },
  'hq:false:1.8375000': {
    span: 8,
    weights: 'Hv9/Pi0BgD4c+38+xsp/PudydT7atkQ+CTjdPYyXFT3oHso7HFe5OTfBjjXQPaWycz49MglxCDJuL0Cy',
  },
  'hq:true:1.0000000': {
    span: 14,
    weights: 'gUgSPtpKEj7KRhI+xfQRPrwgCT6p7M09IdpOPby8bjw0mAE7ruGlOGO92jFswDCyPScwsYqUqzFnZ1ix',
  },
  'hq:true:0.6666667': {
    span: 20,
    weights: '2cvMPT3PzD2ny8w9etHLPS9fuj1kOoE9EdHfPJoEyjtDzA06FpfxNgMDkDKtIywyFCd1sSMIFrE=',
  },
  'hq:true:0.7256236': {
    span: 18,
    weights: 'RI3jPZCQ4z3hjuM9ex7iPWtazD3Xk4k9ahfiPLhpujvAztk5xMA1NrMYvTCtv4UyUYoJMbP+DbI=',
  },
  'hq:true:1.0884354': {
    span: 12,
    weights: '86kqPmysKj4pqyo+3JYpPtFDGT7CXc49j5EpPUrPCzwQWyM6k1CINobSDTGEn8gyek9OMQz+VLI=',
  },
  'hq:true:1.8375000': {
    span: 8,
    weights: '1f9/PkEAgD55/n8+Aut/PvVMej6OxVc+MFYKPpX7Xz24H0E8i8GEOpbgaTeLyu4ySemJMvFW3LGGH2Ox',
  },
  'vhq:false:1.0000000': {
    span: 16,
    weights:
      'tMZtBgUAwD99vxVl5f+/PxEAMCcUAMA/VTTYCA0AwD+Uh54mDtW/P00WUwJJhL0/xGeYQoLNtT/vfm732belPwkx9D' +
      'BVSIk/nYI8rDW8XD+f0d25BuEVP94pbsLGrJI+YwohPalsHL5HnoaB1r8AvpjDnzZchRY+r3JU4L2RBb4=',
  },
  'vhq:false:0.6666667': {
    span: 24,
    weights:
      'bl2SCFxVtT/WKbmYQ1W1PzEAQDRwVbU/EJt1tmZVtT9W/r4ZtDi1PxxmjAGGrbM/+xF0AwMSrT8CHjqfIvWcP5x69H' +
      'Xj2oA/NqoiyCMoUz9r08b3CCwNP845elhe5og+KAkwgBvzEr7COPjsHVX2vUMRVpolBw4+WyT5hFLC/L0=',
  },
  'vhq:false:0.7256236': {
    span: 22,
    weights:
      'XJVXzthFtz+UnMD+vUW3P0OWdYruRbc/dAqewuVFtz+uIk6fjyW3P3R4jrPcbrU/m92/JjyKrz+lq6k2yTGfP3nB/w' +
      '5l84E/T/C4sZkFVD+gV0ADrWENP8Mp/dohYoU+pzKX8n1kF75PqaRl2E0CvuN6qAFeuhA+PI2Za85Q+r0=',
  },
  'vhq:false:1.0884354': {
    span: 16,
    weights:
      'rppy1v//vz8E3wolAADAP9rd/mABAMA/ugoCGPb/vz/gwDjn5fy/P52q57mod78/cOUi1DcgvD+UwmkVJ8izPw/qPW' +
      'in86I/a3p+4uuphT84c6UcUNVYP0TdQs3G7hM/jOnvu0m9lT5jrb/C1w0HvuhUQN0uS+Q9UPeOZZ55Cz6rzCOpdnUB' +
      'vsV2kyPy9dY9',
  },
  'vhq:false:1.8375000': {
    span: 10,
    weights:
      'A8j6RJiZyT+97jS4nJnJPz3x9X+Vmck/KBKOoZiZyT9nrlyxQpnJP3FSN6MPZ8k/wI5RJgGjxz/IJDy96y7CP4w4RD' +
      'SYJ7Q/wChuVbmknD+30uSYAQp3PyydJxpmG0E/svSn/++N7D53bbTY5EccPsQ3TadIE/O9qoaMyYkE+L29NENIIcTE' +
      'PX1WB9neguI9',
  },
};
