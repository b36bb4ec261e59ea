/*
 * A gate on the media path: hears one RTP stream on a UDP port and decides whether the caller is who the voiceprint says.
 *
 *   rtp_gate PORT VOICEPRINT [THRESHOLD [MIN_SPEECH_S [TIMEOUT_S]]]
 *   rtp_gate PORT --enrol VOICEPRINT [SECONDS]
 *
 * PCMU (payload type 0) and PCMA (8) of RFC 3551, at 8000 Hz. Packets may come late, twice, out of order or not at all: they wait in a
 * window of 8 (160 ms) for those before them; what has not come by then is told as lost. Any other payload type, telephone-event
 * (RFC 4733) and comfort noise among them, is no speech: its time passes as silence. The first source (SSRC) heard is the caller.
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

#include "vouch.h"

#define WINDOW 8
#define MAX_PAYLOAD 1500

struct packet {
    int there, speech, mu_law;
    uint16_t sequence;
    uint32_t timestamp;
    size_t len;
    unsigned char payload[MAX_PAYLOAD];
};

struct stream {
    vouch_session *session;
    vouch_enrolment *enrolment;
    struct packet window[WINDOW];
    int started, held;
    uint32_t ssrc;
    uint16_t next_sequence;
    uint32_t next_timestamp;
    unsigned long packets, lost, late;
};

static vouch_result lost(struct stream *s, uint32_t samples) {
    return s->session ? vouch_session_push_lost(s->session, samples) : vouch_enrolment_push_lost(s->enrolment, samples);
}

/* The packet that is next in order goes into the engine; time that no audio came for is told as lost. */
static vouch_result take(struct stream *s, struct packet *p) {
    uint32_t gap = p->timestamp - s->next_timestamp;
    vouch_result result = VOUCH_OK;
    p->there = 0;
    s->held--;
    s->next_sequence = (uint16_t)(p->sequence + 1);
    if (gap > 0 && gap < 8000 * 20) result = lost(s, gap);
    if (!p->speech) {
        s->next_timestamp = p->timestamp;
        return result;
    }
    s->next_timestamp = p->timestamp + (uint32_t)p->len;
    if (result != VOUCH_OK) return result;
    if (s->session)
        return p->mu_law ? vouch_session_push_pcmu(s->session, p->payload, p->len) : vouch_session_push_pcma(s->session, p->payload, p->len);
    return p->mu_law ? vouch_enrolment_push_pcmu(s->enrolment, p->payload, p->len) : vouch_enrolment_push_pcma(s->enrolment, p->payload, p->len);
}

/* Takes what is in order; when the window is full, skips what is missing. */
static vouch_result drain(struct stream *s, int all) {
    while (s->held > 0) {
        struct packet *p = &s->window[s->next_sequence % WINDOW];
        if (p->there && p->sequence == s->next_sequence) {
            vouch_result result = take(s, p);
            if (result != VOUCH_OK) return result;
        } else if (all || s->held >= WINDOW - 1) {
            s->next_sequence++;
            s->lost++;
        } else {
            break;
        }
    }
    return VOUCH_OK;
}

/* One datagram, as RFC 3550 section 5.1 lays it out; anything that is not RTP is passed over. */
static vouch_result hear(struct stream *s, const unsigned char *d, size_t n) {
    size_t header;
    uint16_t sequence;
    uint32_t ssrc;
    int16_t ahead;
    struct packet *p;
    vouch_result result;
    if (n < 12 || d[0] >> 6 != 2) return VOUCH_OK;
    header = 12 + 4 * (size_t)(d[0] & 15);
    if (d[0] & 0x10) {
        if (n < header + 4) return VOUCH_OK;
        header += 4 + 4 * (size_t)(d[header + 2] << 8 | d[header + 3]);
    }
    if (d[0] & 0x20) {
        if (d[n - 1] == 0 || n < header + d[n - 1]) return VOUCH_OK;
        n -= d[n - 1];
    }
    if (n < header || n - header > MAX_PAYLOAD) return VOUCH_OK;
    sequence = (uint16_t)(d[2] << 8 | d[3]);
    ssrc = (uint32_t)d[8] << 24 | (uint32_t)d[9] << 16 | (uint32_t)d[10] << 8 | d[11];
    if (!s->started) {
        s->started = 1;
        s->ssrc = ssrc;
        s->next_sequence = sequence;
        s->next_timestamp = (uint32_t)d[4] << 24 | (uint32_t)d[5] << 16 | (uint32_t)d[6] << 8 | d[7];
    }
    if (ssrc != s->ssrc) return VOUCH_OK;
    ahead = (int16_t)(sequence - s->next_sequence);
    if (ahead < 0) {
        s->late++;
        return VOUCH_OK;
    }
    while (ahead >= WINDOW) { /* a long gap: what waits goes in, then the stream begins anew here */
        if (s->held == 0) {
            s->lost += (unsigned long)ahead;
            s->next_sequence = sequence;
        } else if ((result = drain(s, 1)) != VOUCH_OK) {
            return result;
        }
        ahead = (int16_t)(sequence - s->next_sequence);
    }
    p = &s->window[sequence % WINDOW];
    if (p->there) return VOUCH_OK; /* a duplicate */
    p->there = 1;
    p->sequence = sequence;
    p->timestamp = (uint32_t)d[4] << 24 | (uint32_t)d[5] << 16 | (uint32_t)d[6] << 8 | d[7];
    p->mu_law = (d[1] & 127) == 0;
    p->speech = p->mu_law || (d[1] & 127) == 8;
    p->len = n - header;
    memcpy(p->payload, d + header, p->len);
    s->held++;
    s->packets++;
    return drain(s, 0);
}

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
static int enough(struct stream *s, uint64_t wanted_ms, vouch_decision *decision, int32_t *score) {
    uint64_t net_ms = 0;
    if (s->session) return vouch_session_decision(s->session, decision, score) == VOUCH_OK && *decision != VOUCH_NOT_ENOUGH_SPEECH;
    return vouch_enrolment_progress(s->enrolment, &net_ms, NULL) == VOUCH_OK && net_ms >= wanted_ms;
}

int main(int argc, char **argv) {
    static struct stream s;
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
                if (n > 0) result = hear(&s, datagram, (size_t)n);
                silent_ms = 0;
            } else if (s.started) {
                silent_ms += 100; /* the stream has ended when nothing comes for three seconds */
            }
        }
        if (result == VOUCH_OK) result = drain(&s, 1);
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
