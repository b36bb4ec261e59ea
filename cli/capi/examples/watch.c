/* Is the voice of a recording on a watch list?
 *
 *   watch CALL.wav FRAUDSTER.wav...
 *
 * Registers the voice of each fraudster's recording, pushes the call in packets of 20 ms as a telephone switch would, and prints the answer.
 * Exits 0 for low risk, 15 for high risk, 11 for too little speech, 3 for an error. Mono WAV files: PCM16, float, mu-law, A-law.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vouch.h"
#include "wav.h"

static void fail(const char *what, const void *handle, vouch_result result) {
    char text[300] = "";
    if (handle) vouch_last_error(handle, text, sizeof text, NULL);
    fprintf(stderr, "watch: %s: %s\n", what, text[0] ? text : vouch_strerror((int32_t)result));
    exit(3);
}

#define DO(what, handle, call) \
    do { \
        vouch_result done = (call); \
        if (done != VOUCH_OK) fail(what, handle, done); \
    } while (0)

/* Pushes a recording to an enrolment or a call, in packets of 20 ms. */
#define PUSH(kind, handle, wav) \
    do { \
        const size_t width = (wav)->format == WAV_FLOAT ? 4 : (wav)->format == WAV_PCM16 ? 2 : 1, packet = (wav)->rate_hz / 50; \
        size_t n, at = 0; \
        for (; at + width <= (wav)->data_len; at += n * width) { \
            const unsigned char *from = (wav)->data + at; \
            n = ((wav)->data_len - at) / width; \
            if (n > packet) n = packet; \
            memcpy(aligned, from, n * width); \
            DO(#kind, handle, (wav)->format == WAV_FLOAT ? vouch_##kind##_push_f32(handle, aligned, n) \
                            : (wav)->format == WAV_PCM16 ? vouch_##kind##_push_s16(handle, (const int16_t *)(void *)aligned, n) \
                            : (wav)->format == WAV_MULAW ? vouch_##kind##_push_pcmu(handle, from, n) \
                                                         : vouch_##kind##_push_pcma(handle, from, n)); \
        } \
    } while (0)

static float aligned[9600];

static void open_wav(struct wav *wav, const char *path) {
    const char *problem = wav_open(wav, path);
    if (!problem && wav->rate_hz > 192000) problem = "has a rate that cannot be";
    if (problem) {
        fprintf(stderr, "watch: %s: %s\n", path, problem);
        exit(3);
    }
}

/* Tells of the call as it goes. Comes on the thread that pushes. */
static void told(void *userdata, int32_t event, uint64_t at_sample, int32_t value, int32_t score) {
    const struct wav *wav = userdata;
    (void)value, (void)score;
    if (event == VOUCH_EVENT_SPEECH_SUFFICIENT) printf("enough speech after %.1f s\n", (double)at_sample / wav->rate_hz);
}

int main(int argc, char **argv) {
    vouch_engine *engine = NULL;
    vouch_watchlist *list = NULL;
    vouch_call *call = NULL;
    vouch_fraud_decision decision;
    struct wav wav;
    int32_t risk = -1;
    uint64_t closest = 0;
    int i;

    if (argc < 3) {
        fprintf(stderr, "usage: watch CALL.wav FRAUDSTER.wav...\n");
        return 2;
    }
    DO("engine", NULL, vouch_engine_new(&engine));
    DO("watch list", NULL, vouch_watchlist_new(engine, &list));
    for (i = 2; i < argc; i++) {
        vouch_enrolment *enrolment = NULL;
        uint8_t *voiceprint;
        size_t size = 0;
        open_wav(&wav, argv[i]);
        DO(argv[i], NULL, vouch_enrolment_new(engine, wav.rate_hz, &enrolment));
        DO(argv[i], enrolment, vouch_enrolment_set_speech(enrolment, 30000, 5000));
        PUSH(enrolment, enrolment, &wav);
        DO(argv[i], enrolment, vouch_enrolment_finish(enrolment));
        DO(argv[i], enrolment, vouch_enrolment_voiceprint(enrolment, NULL, 0, &size));
        voiceprint = malloc(size);
        if (!voiceprint) fail(argv[i], NULL, VOUCH_ERR_INTERNAL);
        DO(argv[i], enrolment, vouch_enrolment_voiceprint(enrolment, voiceprint, size, NULL));
        DO(argv[i], list, vouch_watchlist_add(list, voiceprint, size, (uint64_t)i));
        free(voiceprint);
        vouch_enrolment_free(enrolment);
        wav_close(&wav);
    }

    open_wav(&wav, argv[1]);
    DO("call", NULL, vouch_call_new(engine, wav.rate_hz, VOUCH_CALL_PLAIN, &call));
    DO("call", call, vouch_call_set_callback(call, &wav, told));
    DO("call", call, vouch_call_set_fraud(call, list, 50));
    DO("call", call, vouch_call_start(call));
    PUSH(call, call, &wav);
    DO("call", call, vouch_call_finish(call));
    DO("call", call, vouch_call_fraud(call, &decision, &risk, &closest, NULL));
    switch (decision) {
    case VOUCH_HIGH_RISK: printf("HIGH_RISK  risk %" PRId32 ", %s\n", risk, argv[closest]); break;
    case VOUCH_LOW_RISK: printf("LOW_RISK  risk %" PRId32 "\n", risk); break;
    default: printf("NOT_ENOUGH_SPEECH\n"); break;
    }
    vouch_call_free(call);
    vouch_watchlist_free(list);
    vouch_engine_free(engine);
    wav_close(&wav);
    return decision == VOUCH_HIGH_RISK ? 15 : decision == VOUCH_LOW_RISK ? 0 : 11;
}
