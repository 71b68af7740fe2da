/*
 * Decodes Opus, resamples it to 16 kHz and measures its loudness, for many streams in turn, with native libopus, libsoxr and
 * libebur128: what a server does for each stream that it transcribes. For the benchmarks to compare with.
 *
 *   gcc -O3 -march=native stream-chain.c -o stream-chain -lopus -lsoxr -lebur128
 *   stream-chain STREAMS ROUNDS PACKETS RATE
 *
 * RATE: Hz at which Opus is decoded, 48000, or 16000 without a resampler. PACKETS: of 20 ms, 48 kHz, one channel: length as uint32, bytes. Prints the CPU time of each round in ns for each packet of
 * each stream, one a line; then bytes of resident memory for each stream; then the loudness of the first one, LUFS.
 */
#include <ebur128.h>
#include <opus/opus.h>
#include <soxr.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BYTES = 4000, OUT_RATE = 16000 };

static double cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static double resident(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file && fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return (double)pages * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int streams = atoi(argv[1]), rounds = atoi(argv[2]), rate = atoi(argv[4]), packets = 0;
  FILE *file = fopen(argv[3], "rb");
  if (!file) return 2;
  static unsigned char bytes[10000][MAX_BYTES];
  static uint32_t lengths[10000];
  while (packets < 10000 && fread(&lengths[packets], 4, 1, file) == 1 &&
         lengths[packets] <= MAX_BYTES &&
         fread(bytes[packets], 1, lengths[packets], file) == lengths[packets]) {
    packets++;
  }
  fclose(file);
  double before = resident();
  OpusDecoder **decoders = malloc(streams * sizeof(*decoders));
  soxr_t *resamplers = malloc(streams * sizeof(*resamplers));
  ebur128_state **meters = malloc(streams * sizeof(*meters));
  for (int i = 0; i < streams; i++) {
    int error;
    soxr_error_t failed;
    soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    decoders[i] = opus_decoder_create(rate, 1, &error);
    failed = NULL;
    if (rate != OUT_RATE) {
      resamplers[i] = soxr_create(rate, OUT_RATE, 1, &failed, &io, &quality, &runtime);
    }
    meters[i] = ebur128_init(1, OUT_RATE, EBUR128_MODE_I | EBUR128_MODE_S | EBUR128_MODE_HISTOGRAM);
    if (error || failed || !meters[i]) return 3;
  }
  static float decoded[5760], converted[5760];
  double memory = 0;
  for (int round = 0; round < rounds; round++) {
    double start = cpu_ns();
    for (int p = 0; p < packets; p++) {
      for (int i = 0; i < streams; i++) {
        size_t done = opus_decode_float(decoders[i], bytes[p], lengths[p], decoded, 5760, 0);
        float *samples = decoded;
        if (rate != OUT_RATE) {
          soxr_process(resamplers[i], decoded, done, NULL, converted, 5760, &done);
          samples = converted;
        }
        ebur128_add_frames_float(meters[i], samples, done);
      }
    }
    printf("%.1f\n", (cpu_ns() - start) / packets / streams);
    if (round == 0) memory = (resident() - before) / streams;
  }
  double loudness;
  ebur128_loudness_global(meters[0], &loudness);
  printf("%.0f\n%.2f\n", memory, loudness);
  return 0;
}
