/*
 * Streams float32 through native libsoxr in blocks, for the benchmarks to compare with.
 *
 *   gcc -O3 -march=native soxr-stream.c -o soxr-stream -lsoxr
 *   soxr-stream RECIPE IN_RATE OUT_RATE CHANNELS BLOCK_FRAMES ROUNDS INPUT [OUTPUT]
 *
 * RECIPE: 4 = SOXR_HQ, 6 = SOXR_VHQ. INPUT: interleaved float32. Prints JSON: the least and the median CPU time of the rounds
 * in ns, and the frames that came out. With OUTPUT, writes what came out, and to OUTPUT.counts how many frames had come out
 * after each block (uint32).
 */
#include <soxr.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc < 8) return 2;
  int recipe = atoi(argv[1]), in_rate = atoi(argv[2]), out_rate = atoi(argv[3]);
  size_t channels = atoi(argv[4]), block = atoi(argv[5]);
  int rounds = atoi(argv[6]);
  FILE *file = fopen(argv[7], "rb");
  if (!file || rounds < 1 || rounds > 1000) return 2;
  fseek(file, 0, SEEK_END);
  size_t frames = ftell(file) / sizeof(float) / channels;
  rewind(file);
  float *in = malloc(frames * channels * sizeof(float));
  if (fread(in, sizeof(float) * channels, frames, file) != frames) return 2;
  fclose(file);

  size_t capacity = (size_t)((double)frames * out_rate / in_rate) + 65536;
  float *out = malloc(capacity * channels * sizeof(float));
  unsigned *counts = malloc((frames / block + 2) * sizeof(unsigned));
  double *times = malloc(rounds * sizeof(double));
  size_t made = 0, blocks = 0;
  for (int round = 0; round < rounds; round++) {
    soxr_error_t error;
    soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    soxr_quality_spec_t quality = soxr_quality_spec(recipe, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    soxr_t soxr = soxr_create(in_rate, out_rate, channels, &error, &io, &quality, &runtime);
    if (error) return 3;
    made = blocks = 0;
    double start = cpu_ns();
    for (size_t at = 0, done; at < frames; at += block) {
      size_t count = frames - at < block ? frames - at : block;
      soxr_process(soxr, in + at * channels, count, NULL, out + made * channels, capacity - made, &done);
      made += done;
      counts[blocks++] = made;
    }
    for (size_t done = 1; done > 0; made += done)
      soxr_process(soxr, NULL, 0, NULL, out + made * channels, capacity - made, &done);
    times[round] = cpu_ns() - start;
    soxr_delete(soxr);
  }
  qsort(times, rounds, sizeof(double), ascending);
  if (argc > 8) {
    char name[4096];
    file = fopen(argv[8], "wb");
    fwrite(out, sizeof(float) * channels, made, file);
    fclose(file);
    snprintf(name, sizeof name, "%s.counts", argv[8]);
    file = fopen(name, "wb");
    fwrite(counts, sizeof(unsigned), blocks, file);
    fclose(file);
  }
  printf("{\"minNs\": %.0f, \"medianNs\": %.0f, \"inputFrames\": %zu, \"outputFrames\": %zu}\n", times[0],
         times[rounds / 2], frames, made);
  return 0;
}
