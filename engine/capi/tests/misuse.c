/* The header from C, used wrongly and rightly, for the sanitizers and valgrind to watch. Exits 0, or with the line of the first surprise. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vouch.h"

#define WANT(call, result) \
    do { \
        vouch_result got = (call); \
        if (got != (result)) { \
            fprintf(stderr, "line %d: %s: %s, not %s\n", __LINE__, #call, vouch_strerror((int32_t)got), vouch_strerror((int32_t)(result))); \
            exit(1); \
        } \
    } while (0)

int main(void) {
    vouch_engine *engine = NULL;
    vouch_session *session = NULL, *other = NULL;
    vouch_enrolment *enrolment = NULL;
    vouch_decision decision;
    int32_t score = 77;
    const char *branch = "untouched";
    char text[200], *tight;
    size_t needed = 0;
    uint64_t heard = 0;
    float *samples = malloc(800 * sizeof *samples);
    size_t i;

    if (!samples) return 1;
    for (i = 0; i < 800; i++) samples[i] = 0.1f * (float)((i * 7919) % 17) / 17.0f;

    WANT(vouch_engine_new(NULL), VOUCH_ERR_NULL);
    WANT(vouch_engine_new(&engine), VOUCH_OK);
    WANT(vouch_engine_model_id(engine, NULL, 0, &needed), VOUCH_OK);
    if (needed != 33) return 2;
    tight = malloc(needed); /* exactly: a byte too many is the sanitizer's */
    if (!tight) return 1;
    WANT(vouch_engine_model_id(engine, tight, needed - 1, NULL), VOUCH_ERR_BUFFER);
    WANT(vouch_engine_model_id(engine, tight, needed, NULL), VOUCH_OK);
    if (strlen(tight) != 32) return 3;
    free(tight);
    WANT(vouch_session_new(engine, 8000, &session), VOUCH_OK);
    WANT(vouch_session_new(engine, 44100, &other), VOUCH_OK);
    WANT(vouch_enrolment_new(engine, 16000, &enrolment), VOUCH_OK);
    WANT(vouch_engine_free(engine), VOUCH_OK);
    WANT(vouch_engine_free(engine), VOUCH_ERR_HANDLE);

    WANT(vouch_session_push_f32(session, samples, 800), VOUCH_OK);
    WANT(vouch_session_push_f32((vouch_session *)(void *)enrolment, samples, 800), VOUCH_ERR_HANDLE_KIND);
    WANT(vouch_session_push_f32((vouch_session *)(void *)text, samples, 800), VOUCH_ERR_HANDLE);
    WANT(vouch_session_push_pcmu(session, (const uint8_t *)samples, 160), VOUCH_OK);
    WANT(vouch_session_push_lost(session, 160), VOUCH_OK);
    samples[799] = (float)NAN;
    WANT(vouch_session_push_f32(session, samples, 800), VOUCH_ERR_AUDIO);
    WANT(vouch_last_error(session, text, sizeof text, &needed), VOUCH_OK);
    WANT(vouch_session_progress(session, &heard, NULL, NULL), VOUCH_OK);
    if (heard != 800 + 160 + 160) return 4;
    WANT(vouch_session_branch(session, &branch), VOUCH_OK);
    WANT(vouch_session_finish(session), VOUCH_OK);
    WANT(vouch_session_decision(session, &decision, &score), VOUCH_OK);
    if (decision != VOUCH_SPEAKER_ID_NOT_PROVIDED || score != -1) return 5;
    if (strcmp(vouch_decision_name((int32_t)decision), "SPEAKER_ID_NOT_PROVIDED")) return 6;
    WANT(vouch_enrolment_finish(enrolment), VOUCH_ERR_SILENCE);

    WANT(vouch_session_free(session), VOUCH_OK);
    WANT(vouch_session_free(session), VOUCH_ERR_HANDLE);
    WANT(vouch_session_push_f32(session, samples, 1), VOUCH_ERR_HANDLE);
    WANT(vouch_session_free(other), VOUCH_OK);
    WANT(vouch_session_free(NULL), VOUCH_OK);
    WANT(vouch_enrolment_free(enrolment), VOUCH_OK);
    free(samples);
    return vouch_live_handles() == 0 ? 0 : 7;
}
