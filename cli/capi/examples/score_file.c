/*
 * Enrols from one WAV file and scores another, both mono: the whole of libvouch without a network in between.
 *
 *   score_file ENROL.wav CALL.wav [packet_ms]
 *
 * Prints the decision and the score, and exits as `vouch verify` does: 0 accepted, 10 rejected, 11 not enough speech, 3 an error,
 * 16 the enrolment was refused.
 */
#include "vouch.h"
#include "wav.h"

static int fail(const void *handle, vouch_result result, const char *what) {
    char text[256] = "";
    if (handle) vouch_last_error(handle, text, sizeof text, NULL);
    fprintf(stderr, "%s: %s\n", what, text[0] ? text : vouch_strerror((int32_t)result));
    return result >= VOUCH_ERR_TOO_LITTLE_SPEECH && result < VOUCH_ERR_PANIC ? 16 : 3;
}

/* Aligned copy of packet samples: a WAV file promises no alignment. */
static vouch_result push(vouch_session *session, vouch_enrolment *enrolment, const struct wav *wav, size_t at, size_t bytes) {
    static float floats[48000];
    static int16_t shorts[48000];
    const unsigned char *from = wav->data + at;
    switch (wav->format) {
    case WAV_PCM16:
        memcpy(shorts, from, bytes);
        return session ? vouch_session_push_s16(session, shorts, bytes / 2) : vouch_enrolment_push_s16(enrolment, shorts, bytes / 2);
    case WAV_FLOAT:
        memcpy(floats, from, bytes);
        return session ? vouch_session_push_f32(session, floats, bytes / 4) : vouch_enrolment_push_f32(enrolment, floats, bytes / 4);
    case WAV_MULAW:
        return session ? vouch_session_push_pcmu(session, from, bytes) : vouch_enrolment_push_pcmu(enrolment, from, bytes);
    default:
        return session ? vouch_session_push_pcma(session, from, bytes) : vouch_enrolment_push_pcma(enrolment, from, bytes);
    }
}

static vouch_result push_all(vouch_session *session, vouch_enrolment *enrolment, const struct wav *wav, size_t packet_ms) {
    size_t width = wav->format == WAV_FLOAT ? 4 : wav->format == WAV_PCM16 ? 2 : 1;
    size_t packet = wav->rate_hz * packet_ms / 1000 * width, at;
    if (packet == 0 || packet > 9600 * width) packet = 160 * width;
    for (at = 0; at + width <= wav->data_len; at += packet) {
        size_t bytes = wav->data_len - at < packet ? (wav->data_len - at) / width * width : packet;
        vouch_result result = push(session, enrolment, wav, at, bytes);
        if (result != VOUCH_OK) return result;
    }
    return VOUCH_OK;
}

int main(int argc, char **argv) {
    vouch_engine *engine = NULL;
    vouch_enrolment *enrolment = NULL;
    vouch_session *session = NULL;
    struct wav enrol, call;
    unsigned char voiceprint[16384];
    size_t voiceprint_len = 0, packet_ms = argc > 3 ? (size_t)atoi(argv[3]) : 20;
    vouch_decision decision = VOUCH_NOT_ENOUGH_SPEECH;
    int32_t score = -1;
    int code = 3;
    const char *problem;
    vouch_result result;

    if (argc < 3) {
        fprintf(stderr, "usage: score_file ENROL.wav CALL.wav [packet_ms]\n");
        return 2;
    }
    if ((problem = wav_open(&enrol, argv[1])) != NULL) return fprintf(stderr, "%s: %s\n", argv[1], problem), 3;
    if ((problem = wav_open(&call, argv[2])) != NULL) return wav_close(&enrol), fprintf(stderr, "%s: %s\n", argv[2], problem), 3;

    if ((result = vouch_engine_new(&engine)) != VOUCH_OK) {
        code = fail(NULL, result, "engine");
    } else if ((result = vouch_enrolment_new(engine, enrol.rate_hz, &enrolment)) != VOUCH_OK) {
        code = fail(NULL, result, argv[1]);
    } else if ((result = vouch_enrolment_set_speech(enrolment, 30000, 5000)) != VOUCH_OK ||
               (result = push_all(NULL, enrolment, &enrol, packet_ms)) != VOUCH_OK ||
               (result = vouch_enrolment_finish(enrolment)) != VOUCH_OK ||
               (result = vouch_enrolment_voiceprint(enrolment, voiceprint, sizeof voiceprint, &voiceprint_len)) != VOUCH_OK) {
        code = fail(enrolment, result, argv[1]);
    } else if ((result = vouch_session_new(engine, call.rate_hz, &session)) != VOUCH_OK) {
        code = fail(NULL, result, argv[2]);
    } else if ((result = vouch_session_set_speaker(session, VOUCH_CLAIM_ENROLLED, voiceprint, voiceprint_len)) != VOUCH_OK ||
               (result = push_all(session, NULL, &call, packet_ms)) != VOUCH_OK ||
               (result = vouch_session_finish(session)) != VOUCH_OK ||
               (result = vouch_session_decision(session, &decision, &score)) != VOUCH_OK) {
        code = fail(session, result, argv[2]);
    } else {
        printf("%s %d\n", vouch_decision_name((int32_t)decision), (int)score);
        code = decision == VOUCH_ACCEPT ? 0 : decision == VOUCH_REJECT ? 10 : 11;
    }
    vouch_session_free(session);
    vouch_enrolment_free(enrolment);
    vouch_engine_free(engine);
    wav_close(&call);
    wav_close(&enrol);
    return code;
}
