/* Just enough of RIFF/WAVE for the examples: mono PCM16, float, mu-law and A-law, whole in memory. */
#ifndef EXAMPLE_WAV_H
#define EXAMPLE_WAV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum wav_format { WAV_PCM16 = 1, WAV_FLOAT = 3, WAV_ALAW = 6, WAV_MULAW = 7 };

struct wav {
    unsigned char *file;
    const unsigned char *data;
    size_t data_len;
    uint32_t rate_hz;
    int format;
};

static uint32_t wav_u32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Returns NULL, or what is wrong. */
static const char *wav_open(struct wav *wav, const char *path) {
    FILE *file = fopen(path, "rb");
    long size;
    size_t at, bits = 0, channels = 0;
    memset(wav, 0, sizeof *wav);
    if (!file) return "cannot be opened";
    if (fseek(file, 0, SEEK_END) || (size = ftell(file)) < 12 || size > 1L << 30 || fseek(file, 0, SEEK_SET)) {
        fclose(file);
        return "is no WAV file";
    }
    wav->file = malloc((size_t)size);
    if (!wav->file || fread(wav->file, 1, (size_t)size, file) != (size_t)size) {
        fclose(file);
        return "cannot be read";
    }
    fclose(file);
    if (memcmp(wav->file, "RIFF", 4) || memcmp(wav->file + 8, "WAVE", 4)) return "is no WAV file";
    for (at = 12; at + 8 <= (size_t)size;) {
        const unsigned char *chunk = wav->file + at;
        size_t len = wav_u32(chunk + 4), room = (size_t)size - at - 8;
        if (len > room) len = room;
        if (!memcmp(chunk, "fmt ", 4) && len >= 16) {
            wav->format = chunk[8] | chunk[9] << 8;
            channels = (size_t)(chunk[10] | chunk[11] << 8);
            wav->rate_hz = wav_u32(chunk + 12);
            bits = (size_t)(chunk[22] | chunk[23] << 8);
        } else if (!memcmp(chunk, "data", 4)) {
            wav->data = chunk + 8;
            wav->data_len = len;
        }
        at += 8 + len + (len & 1);
    }
    if (!wav->data || channels != 1) return "is not mono";
    if ((wav->format == WAV_PCM16 && bits == 16) || (wav->format == WAV_FLOAT && bits == 32)) return NULL;
    if ((wav->format == WAV_MULAW || wav->format == WAV_ALAW) && bits == 8) return NULL;
    return "has samples that this example does not read";
}

static void wav_close(struct wav *wav) {
    free(wav->file);
    memset(wav, 0, sizeof *wav);
}

#endif
