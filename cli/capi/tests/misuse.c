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

static void note(void *userdata, int32_t event, uint64_t at_sample, int32_t value, int32_t score) {
    int *told = userdata;
    (void)at_sample, (void)value, (void)score;
    if (event == VOUCH_EVENT_STREAMING_STARTED || event == VOUCH_EVENT_STREAMING_ENDED) ++*told;
}

/* A call and a watch list, wrongly and rightly. */
static void calls(const vouch_engine *engine, const float *samples) {
    vouch_call *call = NULL;
    vouch_watchlist *list = NULL;
    vouch_decision decision;
    vouch_fraud_decision risk;
    vouch_call_status status;
    vouch_event event;
    const char *branch = "untouched";
    int told = 0;
    uint64_t heard = 0;

    WANT(vouch_call_new(engine, 8000, 99, &call), VOUCH_ERR_RANGE);
    WANT(vouch_call_new(engine, 8000, VOUCH_CALL_MAY_ENROL | VOUCH_CALL_TO_THE_END, &call), VOUCH_OK);
    WANT(vouch_watchlist_new(engine, &list), VOUCH_OK);
    WANT(vouch_watchlist_add(list, (const uint8_t *)"no", 2, 1), VOUCH_ERR_VOICEPRINT);
    WANT(vouch_call_set_fraud(call, list, 50), VOUCH_OK);
    WANT(vouch_call_set_fraud(call, (vouch_watchlist *)(void *)call, 50), VOUCH_ERR_HANDLE_KIND);
    WANT(vouch_watchlist_free(list), VOUCH_OK);
    WANT(vouch_call_set_auth(call, 90, 10000, 1), VOUCH_OK);
    WANT(vouch_call_set_speaker(call, VOUCH_CLAIM_NOT_ENROLLED, NULL, 0), VOUCH_OK);
    WANT(vouch_call_set_callback(call, &told, note), VOUCH_OK);
    WANT(vouch_call_start(call), VOUCH_OK);
    WANT(vouch_call_enrol(call), VOUCH_OK);
    WANT(vouch_call_push_f32(call, samples, 799), VOUCH_OK);
    WANT(vouch_call_push_f32(call, samples, 800), VOUCH_ERR_AUDIO); /* the last is not a number */
    WANT(vouch_call_push_both_f32(call, samples, samples, 160), VOUCH_ERR_STATE); /* made without VOUCH_CALL_WITH_AGENT */
    WANT(vouch_call_bleed(call, NULL, NULL, NULL), VOUCH_ERR_NONE);
    WANT(vouch_call_secure_begin(call), VOUCH_OK);
    WANT(vouch_call_push_pcma(call, (const uint8_t *)samples, 160), VOUCH_OK);
    WANT(vouch_call_secure_end(call), VOUCH_OK);
    WANT(vouch_call_standing(call, &status, &heard, NULL, NULL, NULL), VOUCH_OK);
    if (status != VOUCH_CALL_ONGOING || heard != 799 + 160) exit(10);
    WANT(vouch_call_check(call, VOUCH_CHECK_ENROLMENT_STATUS, &branch), VOUCH_OK);
    if (strcmp(branch, "NotEnrolled")) exit(11);
    WANT(vouch_call_enrol_finish(call), VOUCH_ERR_SILENCE);
    WANT(vouch_call_voiceprint(call, NULL, 0, NULL), VOUCH_ERR_NONE);
    WANT(vouch_call_finish(call), VOUCH_OK);
    WANT(vouch_call_authentication(call, &decision, NULL, NULL), VOUCH_OK);
    WANT(vouch_call_fraud(call, &risk, NULL, NULL, NULL), VOUCH_OK);
    if (decision != VOUCH_SPEAKER_NOT_ENROLLED || risk != VOUCH_FRAUD_NOT_ENOUGH_SPEECH || told != 2) exit(12);
    WANT(vouch_call_next_event(call, &event, NULL, NULL, NULL), VOUCH_ERR_NONE);
    WANT(vouch_call_reset(call), VOUCH_OK);
    WANT(vouch_call_free(call), VOUCH_OK);
    WANT(vouch_call_push_lost(call, 1), VOUCH_ERR_HANDLE);
}

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
    samples[799] = (float)NAN;
    calls(engine, samples);
    samples[799] = 0.0f;
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
