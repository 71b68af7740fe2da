/*
 * Meters float32 with native libebur128, for the benchmarks to compare with.
 *
 *   gcc -O3 -march=native loudness-file.c -o loudness-file -lebur128 -lm
 *   loudness-file measure RATE CHANNELS POLL_MS < INPUT
 *   loudness-file time RATE CHANNELS FRAMES MODE ROUNDS < INPUT
 *
 * INPUT: interleaved float32. `measure` prints one JSON object: highest M and S, I, LRA, highest true peak, and M and S at
 * every poll; −999 stands for −infinity. `time` feeds blocks of FRAMES with MODE `loudness` (M, S, I, LRA) or `all` (and true
 * and sample peak) and prints the least and the median CPU time of the rounds in ns.
 */
#include <ebur128.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static float *read_all(long *count) {
  long size = 1 << 20, used = 0;
  float *samples = malloc(size * sizeof(float));
  for (;;) {
    used += fread(samples + used, sizeof(float), size - used, stdin);
    if (used < size) break;
    size *= 2;
    samples = realloc(samples, size * sizeof(float));
  }
  *count = used;
  return samples;
}

static double finite_or(double value) { return isinf(value) ? -999.0 : value; }

static int measure(const float *samples, long frames, int rate, int channels, int poll_ms) {
  int mode = EBUR128_MODE_M | EBUR128_MODE_S | EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_TRUE_PEAK;
  ebur128_state *state = ebur128_init(channels, rate, mode);
  if (channels == 5) {
    ebur128_set_channel(state, 0, EBUR128_LEFT);
    ebur128_set_channel(state, 1, EBUR128_RIGHT);
    ebur128_set_channel(state, 2, EBUR128_CENTER);
    ebur128_set_channel(state, 3, EBUR128_LEFT_SURROUND);
    ebur128_set_channel(state, 4, EBUR128_RIGHT_SURROUND);
  }
  long hop = (long)rate * poll_ms / 1000, polls = 0;
  double *series = malloc(2 * (frames / hop + 1) * sizeof(double));
  double max_m = -HUGE_VAL, max_s = -HUGE_VAL;
  for (long at = 0; at < frames; at += hop) {
    long count = frames - at < hop ? frames - at : hop;
    double m, s;
    ebur128_add_frames_float(state, samples + at * channels, count);
    if (count < hop) break;
    ebur128_loudness_momentary(state, &m);
    ebur128_loudness_shortterm(state, &s);
    series[2 * polls] = m;
    series[2 * polls++ + 1] = s;
    if (at + count >= 0.4 * rate - 0.5 && m > max_m) max_m = m;
    if (at + count >= 3.0 * rate - 0.5 && s > max_s) max_s = s;
  }
  double integrated, range, peak = 0, one;
  ebur128_loudness_global(state, &integrated);
  ebur128_loudness_range(state, &range);
  for (int c = 0; c < channels; c++) {
    ebur128_true_peak(state, c, &one);
    if (one > peak) peak = one;
  }
  printf("{\"maxMomentary\":%.6f,\"maxShortTerm\":%.6f,\"integrated\":%.6f,\"range\":%.6f,\"truePeak\":%.6f,\"step\":%.9f,",
         finite_or(max_m), finite_or(max_s), finite_or(integrated), range,
         20 * log10(peak > 1e-12 ? peak : 1e-12), hop / (double)rate);
  printf("\"momentary\":[");
  for (long i = 0; i < polls; i++) printf("%s%.4f", i ? "," : "", finite_or(series[2 * i]));
  printf("],\"shortTerm\":[");
  for (long i = 0; i < polls; i++) printf("%s%.4f", i ? "," : "", finite_or(series[2 * i + 1]));
  printf("]}\n");
  return 0;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int time_it(const float *samples, long frames, int rate, int channels, long block, const char *mode, int rounds) {
  int loudness = EBUR128_MODE_S | EBUR128_MODE_I | EBUR128_MODE_LRA | EBUR128_MODE_HISTOGRAM;
  int all = loudness | EBUR128_MODE_TRUE_PEAK | EBUR128_MODE_SAMPLE_PEAK;
  double *times = malloc(rounds * sizeof(double)), value;
  for (int round = 0; round < rounds; round++) {
    ebur128_state *state = ebur128_init(channels, rate, strcmp(mode, "all") ? loudness : all);
    double start = cpu_ns();
    long polled = 0;
    for (long at = 0; at < frames; at += block) {
      long count = frames - at < block ? frames - at : block;
      ebur128_add_frames_float(state, samples + at * channels, count);
      if ((polled += count) < rate / 10) continue;
      polled = 0;
      ebur128_loudness_momentary(state, &value);
      ebur128_loudness_shortterm(state, &value);
    }
    ebur128_loudness_global(state, &value);
    times[round] = cpu_ns() - start;
    ebur128_destroy(&state);
  }
  qsort(times, rounds, sizeof(double), compare);
  printf("{\"leastNs\":%.0f,\"medianNs\":%.0f}\n", times[0], times[rounds / 2]);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 5) return 1;
  int rate = atoi(argv[2]), channels = atoi(argv[3]);
  long count;
  float *samples = read_all(&count);
  if (!strcmp(argv[1], "measure")) return measure(samples, count / channels, rate, channels, atoi(argv[4]));
  if (argc < 7) return 1;
  return time_it(samples, count / channels, rate, channels, atol(argv[4]), argv[5], atoi(argv[6]));
}
