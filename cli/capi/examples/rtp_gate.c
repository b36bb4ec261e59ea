/*
 * A gate on the media path: hears one RTP stream on a UDP port and decides whether the caller is who the voiceprint says.
 *
 *   rtp_gate PORT VOICEPRINT [THRESHOLD [MIN_SPEECH_S [TIMEOUT_S]]]
 *   rtp_gate PORT --enrol VOICEPRINT [SECONDS]
 *
 * What it takes, and what becomes of packets that are late or lost: rtp.h.
 *
 * Prints one line with decision and score as soon as there is one, exits 0 accepted, 10 rejected, 11 not enough speech before the
 * timeout, 3 error, 16 enrolment refused.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rtp.h"
#include "vouch.h"

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail(const void *handle, vouch_result result, const char *what) {
    char text[256] = "";
    if (handle) vouch_last_error(handle, text, sizeof text, NULL);
    fprintf(stderr, "%s: %s\n", what, text[0] ? text : vouch_strerror((int32_t)result));
    return result >= VOUCH_ERR_TOO_LITTLE_SPEECH && result < VOUCH_ERR_PANIC ? 16 : 3;
}

/* Whether there is enough: a decision, or net speech for the enrolment. */
static int enough(struct rtp_stream *s, uint64_t wanted_ms, vouch_decision *decision, int32_t *score) {
    uint64_t net_ms = 0;
    if (s->session) return vouch_session_decision(s->session, decision, score) == VOUCH_OK && *decision != VOUCH_NOT_ENOUGH_SPEECH;
    return vouch_enrolment_progress(s->enrolment, &net_ms, NULL) == VOUCH_OK && net_ms >= wanted_ms;
}

int main(int argc, char **argv) {
    static struct rtp_stream s;
    static unsigned char voiceprint[1 << 16], datagram[2048];
    int enrol = argc > 3 && strcmp(argv[2], "--enrol") == 0, fd, code = 3;
    const char *path = enrol ? argv[3] : argc > 2 ? argv[2] : NULL;
    uint32_t threshold = !enrol && argc > 3 ? (uint32_t)atoi(argv[3]) : 90;
    uint32_t min_speech_ms = 1000 * (!enrol && argc > 4 ? (uint32_t)atoi(argv[4]) : 10);
    uint64_t wanted_ms = 1000 * (uint64_t)(enrol && argc > 4 ? atoi(argv[4]) : 30);
    int64_t end = now_ms() + 1000 * (int64_t)(!enrol && argc > 5 ? atoi(argv[5]) : 120);
    size_t voiceprint_len = 0;
    vouch_engine *engine = NULL;
    vouch_decision decision = VOUCH_NOT_ENOUGH_SPEECH;
    int32_t score = -1;
    vouch_result result = VOUCH_OK;
    struct sockaddr_in address;
    FILE *file;

    if (!path) {
        fprintf(stderr, "usage: rtp_gate PORT VOICEPRINT [THRESHOLD [MIN_SPEECH_S [TIMEOUT_S]]]\n       rtp_gate PORT --enrol VOICEPRINT [SECONDS]\n");
        return 2;
    }
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address)) {
        fprintf(stderr, "port %s: %s\n", argv[1], strerror(errno));
        return 3;
    }
    if (!enrol) {
        if (!(file = fopen(path, "rb"))) return fprintf(stderr, "%s: %s\n", path, strerror(errno)), 3;
        voiceprint_len = fread(voiceprint, 1, sizeof voiceprint, file);
        fclose(file);
    }
    if ((result = vouch_engine_new(&engine)) != VOUCH_OK) {
        code = fail(NULL, result, "engine");
    } else if (enrol ? (result = vouch_enrolment_new(engine, 8000, &s.enrolment)) != VOUCH_OK
                     : (result = vouch_session_new(engine, 8000, &s.session)) != VOUCH_OK) {
        code = fail(NULL, result, "session");
    } else if (enrol && (result = vouch_enrolment_set_speech(s.enrolment, (uint32_t)wanted_ms, wanted_ms < 12000 ? (uint32_t)wanted_ms : 12000)) != VOUCH_OK) {
        code = fail(s.enrolment, result, "SECONDS");
    } else if (!enrol && ((result = vouch_session_set_auth(s.session, threshold, min_speech_ms)) != VOUCH_OK ||
                          (result = vouch_session_set_speaker(s.session, VOUCH_CLAIM_ENROLLED, voiceprint, voiceprint_len)) != VOUCH_OK)) {
        code = fail(s.session, result, path);
    } else {
        struct pollfd ready = {fd, POLLIN, 0};
        int silent_ms = 0;
        while (result == VOUCH_OK && now_ms() < end && silent_ms < 3000 && !enough(&s, wanted_ms, &decision, &score)) {
            if (poll(&ready, 1, 100) > 0) {
                ssize_t n = recv(fd, datagram, sizeof datagram, 0);
                if (n > 0) result = rtp_hear(&s, datagram, (size_t)n);
                silent_ms = 0;
            } else if (s.started) {
                silent_ms += 100; /* the stream has ended when nothing comes for three seconds */
            }
        }
        if (result == VOUCH_OK) result = rtp_drain(&s, 1);
        if (result == VOUCH_OK && s.session && decision == VOUCH_NOT_ENOUGH_SPEECH && (result = vouch_session_finish(s.session)) == VOUCH_OK)
            result = vouch_session_decision(s.session, &decision, &score);
        if (result == VOUCH_OK && s.enrolment && (result = vouch_enrolment_finish(s.enrolment)) == VOUCH_OK)
            result = vouch_enrolment_voiceprint(s.enrolment, voiceprint, sizeof voiceprint, &voiceprint_len);
        if (result != VOUCH_OK) {
            code = fail(s.session ? (void *)s.session : (void *)s.enrolment, result, "call");
        } else if (s.session) {
            printf("%s %d packets=%lu lost=%lu late=%lu\n", vouch_decision_name((int32_t)decision), (int)score, s.packets, s.lost, s.late);
            code = decision == VOUCH_ACCEPT ? 0 : decision == VOUCH_REJECT ? 10 : 11;
        } else if (!(file = fopen(path, "wb")) || fwrite(voiceprint, 1, voiceprint_len, file) != voiceprint_len || fclose(file)) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
        } else {
            printf("enrolled packets=%lu lost=%lu late=%lu\n", s.packets, s.lost, s.late);
            code = 0;
        }
    }
    vouch_session_free(s.session);
    vouch_enrolment_free(s.enrolment);
    vouch_engine_free(engine);
    close(fd);
    return code;
}
