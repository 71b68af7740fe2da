/*
 * Encodes and decodes float32 with native libopus, for the benchmarks to compare with. Loads the library at run time, so that
 * no headers are needed.
 *
 *   gcc -O2 opus-stream.c -o opus-stream -ldl
 *   opus-stream LIBRARY encode CHANNELS APPLICATION BITRATE COMPLEXITY FRAMES INPUT OUTPUT
 *   opus-stream LIBRARY decode CHANNELS FRAMES INPUT OUTPUT
 *
 * 48 kHz. INPUT of encode and OUTPUT of decode: interleaved float32. Packets: length as uint32, bytes. Prints the version, and
 * the time of each frame in ns, one a line.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SET_BITRATE = 4002, SET_COMPLEXITY = 4010, MAX_BYTES = 8000, MAX_FRAMES = 5760 };

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 3;
  const char *(*version)(void) = dlsym(library, "opus_get_version_string");
  printf("%s\n", version());
  int channels = atoi(argv[3]), error = 0;
  static float samples[MAX_FRAMES * 2];
  static unsigned char packet[MAX_BYTES];
  if (!strcmp(argv[2], "encode")) {
    void *(*create)(int32_t, int, int, int *) = dlsym(library, "opus_encoder_create");
    int (*ctl)(void *, int, ...) = dlsym(library, "opus_encoder_ctl");
    int32_t (*encode)(void *, const float *, int, unsigned char *, int32_t) =
        dlsym(library, "opus_encode_float");
    void *encoder = create(48000, channels, atoi(argv[4]), &error);
    ctl(encoder, SET_BITRATE, atoi(argv[5]));
    ctl(encoder, SET_COMPLEXITY, atoi(argv[6]));
    int frames = atoi(argv[7]);
    FILE *in = fopen(argv[8], "rb"), *out = fopen(argv[9], "wb");
    while (fread(samples, sizeof(float) * channels, frames, in) == (size_t)frames) {
      long begun = now();
      int32_t length = encode(encoder, samples, frames, packet, MAX_BYTES);
      printf("%ld\n", now() - begun);
      if (length < 0) return 4;
      fwrite(&length, 4, 1, out);
      fwrite(packet, 1, length, out);
    }
    fclose(out);
  } else {
    void *(*create)(int32_t, int, int *) = dlsym(library, "opus_decoder_create");
    int (*decode)(void *, const unsigned char *, int32_t, float *, int, int) =
        dlsym(library, "opus_decode_float");
    void *decoder = create(48000, channels, &error);
    FILE *in = fopen(argv[5], "rb"), *out = fopen(argv[6], "wb");
    int32_t length;
    while (fread(&length, 4, 1, in) == 1 && length <= MAX_BYTES &&
           fread(packet, 1, length, in) == (size_t)length) {
      long begun = now();
      int frames = decode(decoder, packet, length, samples, MAX_FRAMES, 0);
      printf("%ld\n", now() - begun);
      if (frames < 0) return 4;
      fwrite(samples, sizeof(float) * channels, frames, out);
    }
    fclose(out);
  }
  return 0;
}
