/*
 * A number that is called: answers one SIP call (RFC 3261, over UDP), hears its audio, decides who the caller is, and hangs up.
 *
 *   sip_gate ADDRESS PORT VOICEPRINT [THRESHOLD [MIN_SPEECH_S [TIMEOUT_S]]]
 *
 * ADDRESS: one of this machine's that the caller can reach, such as 127.0.0.1. Audio is PCMU or PCMA (rtp.h). One call, no registration, no
 * authentication of the SIP kind: put it behind a proxy that has both. A second call meanwhile is answered 486 Busy Here.
 *
 * Prints one line with decision and score, exits 0 accepted, 10 rejected, 11 not enough speech before the caller hung up or the
 * timeout, 3 error.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rtp.h"
#include "vouch.h"

#define MESSAGE 4096

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Text that is put together; what does not fit is remembered, and such a message is not sent. */
struct text {
    char at[MESSAGE];
    size_t len;
    int overrun;
};

static void add(struct text *t, const char *format, ...) {
    va_list args;
    int n;
    va_start(args, format);
    n = vsnprintf(t->at + t->len, sizeof t->at - t->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof t->at - t->len) t->overrun = 1;
    else t->len += (size_t)n;
}

/* The value of the nth header of that name (0 the first), NULL where there is none; its length without the line's end. */
static const char *header(const char *message, const char *name, char compact, int nth, size_t *len) {
    const char *line = strstr(message, "\r\n"), *end = strstr(message, "\r\n\r\n");
    size_t n = strlen(name);
    while (line && line < end) {
        const char *at = line + 2, *value = NULL;
        if (!strncasecmp(at, name, n)) value = at + n;
        else if (compact && (at[0] | 32) == compact) value = at + 1;
        if (value) {
            value += strspn(value, " \t");
            if (*value == ':' && nth-- == 0) {
                value += 1 + strspn(value + 1, " \t");
                *len = strcspn(value, "\r\n");
                return value;
            }
        }
        line = strstr(at, "\r\n");
    }
    return NULL;
}

static int is(const char *message, const char *method) { return !strncmp(message, method, strlen(method)) && message[strlen(method)] == ' '; }

/* The call: what is said again in every message of its dialog. */
struct call {
    int fd, answered;
    struct sockaddr_in peer;
    const char *address;
    int sip_port, rtp_port;
    char id[256], remote[512], local[512], target[256];
    struct text invite_answer, routes;
};

/* A header's value as a text of its own, unless it is longer than there is room for. */
static int copy(char *to, size_t room, const char *value, size_t len) {
    if (!value || len >= room) return 0;
    memcpy(to, value, len);
    to[len] = 0;
    return 1;
}

static void post(const struct call *c, const struct text *t, const struct sockaddr_in *to) {
    if (!t->overrun) sendto(c->fd, t->at, t->len, 0, (const struct sockaddr *)to, sizeof *to);
}

/* The beginning of an answer to a request: status, and the headers that are copied (RFC 3261 section 8.2.6.2). */
static void answer(struct text *t, const char *request, const char *status, const char *tag) {
    size_t len;
    const char *value;
    int i;
    t->len = 0;
    t->overrun = 0;
    add(t, "SIP/2.0 %s\r\n", status);
    for (i = 0; (value = header(request, "Via", 'v', i, &len)); i++) add(t, "Via: %.*s\r\n", (int)len, value);
    if ((value = header(request, "From", 'f', 0, &len))) add(t, "From: %.*s\r\n", (int)len, value);
    if ((value = header(request, "To", 't', 0, &len))) {
        int has_tag = 0;
        size_t k;
        for (k = 0; k + 5 <= len; k++) has_tag |= !strncasecmp(value + k, ";tag=", 5);
        add(t, "To: %.*s%s%s\r\n", (int)len, value, has_tag ? "" : ";tag=", has_tag ? "" : tag);
    }
    if ((value = header(request, "Call-ID", 'i', 0, &len))) add(t, "Call-ID: %.*s\r\n", (int)len, value);
    if ((value = header(request, "CSeq", 0, 0, &len))) add(t, "CSeq: %.*s\r\n", (int)len, value);
}

/* Whether the offer has a line "m=audio PORT RTP/AVP TYPES" with PCMU (0) or PCMA (8) among the types (RFC 4566 section 5.14). */
static int offers_audio(const char *request) {
    char line[256], *word;
    const char *media = strstr(request, "\r\nm=audio ");
    int i;
    if (!media || !copy(line, sizeof line, media + 2, strcspn(media + 2, "\r\n"))) return 0;
    for (word = strtok(line, " "), i = 0; word; word = strtok(NULL, " "), i++)
        if (i == 2 && strcmp(word, "RTP/AVP") != 0) return 0;
        else if (i > 2 && (!strcmp(word, "0") || !strcmp(word, "8"))) return 1;
    return 0;
}

/* Takes the call, if it offers audio that we hear. */
static int accept_call(struct call *c, const char *request, const struct sockaddr_in *from) {
    struct text body = {{0}, 0, 0}, *t = &c->invite_answer;
    const char *contact, *open, *close, *value;
    size_t len;
    char tag[32];
    int i;
    if (!offers_audio(request)) return 0;
    contact = header(request, "Contact", 'm', 0, &len);
    if (!contact) return 0;
    open = memchr(contact, '<', len);
    close = open ? memchr(open, '>', len - (size_t)(open - contact)) : NULL;
    if (open && close ? !copy(c->target, sizeof c->target, open + 1, (size_t)(close - open - 1)) : !copy(c->target, sizeof c->target, contact, len)) return 0;
    if (!(value = header(request, "Call-ID", 'i', 0, &len)) || !copy(c->id, sizeof c->id, value, len)) return 0;
    if (!(value = header(request, "From", 'f', 0, &len)) || !copy(c->remote, sizeof c->remote, value, len)) return 0;
    if (!(value = header(request, "To", 't', 0, &len)) || len + 40 > sizeof c->local) return 0;
    snprintf(tag, sizeof tag, "g%llx", (unsigned long long)now_ms() * 2654435761u);
    snprintf(c->local, sizeof c->local, "%.*s;tag=%s", (int)len, value, tag);
    c->peer = *from;

    add(&body, "v=0\r\no=vouch 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n", c->address, c->address);
    add(&body, "m=audio %d RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=recvonly\r\n", c->rtp_port);
    answer(t, request, "200 OK", tag);
    for (i = 0; (value = header(request, "Record-Route", 0, i, &len)); i++) {
        add(t, "Record-Route: %.*s\r\n", (int)len, value);
        add(&c->routes, "Route: %.*s\r\n", (int)len, value);
    }
    add(t, "Contact: <sip:gate@%s:%d>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", c->address, c->sip_port, (int)body.len, body.at);
    if (t->overrun || body.overrun || c->routes.overrun) return 0;
    c->answered = 1;
    post(c, t, from);
    return 1;
}

/* One message of signalling. Returns 1 when the caller has hung up. */
static int signalled(struct call *c, const char *message, const struct sockaddr_in *from) {
    struct text t;
    size_t len;
    const char *id = header(message, "Call-ID", 'i', 0, &len);
    int ours = c->answered && id && len == strlen(c->id) && !memcmp(id, c->id, len);
    if (!id || !strncmp(message, "SIP/2.0 ", 8) || is(message, "ACK")) return 0; /* answers to our BYE, and what ends a handshake */
    if (is(message, "INVITE")) {
        if (ours) post(c, &c->invite_answer, from); /* it was lost, or is asked for again */
        else if (c->answered || !accept_call(c, message, from)) {
            answer(&t, message, c->answered ? "486 Busy Here" : "488 Not Acceptable Here", "busy");
            add(&t, "Content-Length: 0\r\n\r\n");
            post(c, &t, from);
        }
        return 0;
    }
    answer(&t, message, is(message, "BYE") || is(message, "CANCEL") ? (ours ? "200 OK" : "481 Call/Transaction Does Not Exist") : is(message, "OPTIONS") ? "200 OK" : "501 Not Implemented", "other");
    add(&t, "Content-Length: 0\r\n\r\n");
    post(c, &t, from);
    return ours && is(message, "BYE");
}

static void hang_up(const struct call *c) {
    struct text t = {{0}, 0, 0};
    add(&t, "BYE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%llx;rport\r\nMax-Forwards: 70\r\n", c->target, c->address, c->sip_port, (unsigned long long)now_ms());
    add(&t, "%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n", c->routes.at, c->local, c->remote, c->id);
    post(c, &t, &c->peer);
}

/* A UDP socket on that port of the address, any where it is 0; -1, having said why, where that cannot be. */
static int listen_on(const char *address, int *port) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons((uint16_t)*port);
    if (inet_pton(AF_INET, address, &a.sin_addr) != 1) {
        fprintf(stderr, "%s: not an IPv4 address\n", address);
        return -1;
    }
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || getsockname(fd, (struct sockaddr *)&a, &size)) {
        fprintf(stderr, "%s:%d: %s\n", address, *port, strerror(errno));
        return -1;
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static int fail(const void *handle, vouch_result result, const char *what) {
    char text[256] = "";
    if (handle) vouch_last_error(handle, text, sizeof text, NULL);
    fprintf(stderr, "%s: %s\n", what, text[0] ? text : vouch_strerror((int32_t)result));
    return 3;
}

int main(int argc, char **argv) {
    static struct rtp_stream s;
    static struct call c;
    static unsigned char voiceprint[1 << 16];
    static char message[MESSAGE];
    vouch_engine *engine = NULL;
    vouch_decision decision = VOUCH_NOT_ENOUGH_SPEECH;
    vouch_result result;
    int32_t score = -1;
    size_t len;
    int rtp, code = 3;
    int64_t end;
    FILE *file;

    if (argc < 4) return fprintf(stderr, "usage: sip_gate ADDRESS PORT VOICEPRINT [THRESHOLD [MIN_SPEECH_S [TIMEOUT_S]]]\n"), 2;
    c.address = argv[1];
    c.sip_port = atoi(argv[2]);
    if ((c.fd = listen_on(c.address, &c.sip_port)) < 0 || (rtp = listen_on(c.address, &c.rtp_port)) < 0) return 3;
    if (!(file = fopen(argv[3], "rb"))) return fprintf(stderr, "%s: %s\n", argv[3], strerror(errno)), 3;
    len = fread(voiceprint, 1, sizeof voiceprint, file);
    fclose(file);
    end = now_ms() + 1000 * (int64_t)(argc > 6 ? atoi(argv[6]) : 120);

    if ((result = vouch_engine_new(&engine)) != VOUCH_OK || (result = vouch_session_new(engine, 8000, &s.session)) != VOUCH_OK) {
        code = fail(NULL, result, "engine");
    } else if ((result = vouch_session_set_auth(s.session, argc > 4 ? (uint32_t)atoi(argv[4]) : 90, 1000 * (argc > 5 ? (uint32_t)atoi(argv[5]) : 10))) != VOUCH_OK ||
               (result = vouch_session_set_speaker(s.session, VOUCH_CLAIM_ENROLLED, voiceprint, len)) != VOUCH_OK) {
        code = fail(s.session, result, argv[3]);
    } else {
        struct pollfd ready[2];
        int hung_up = 0;
        ready[0].fd = c.fd;
        ready[1].fd = rtp;
        ready[0].events = ready[1].events = POLLIN;
        while (result == VOUCH_OK && !hung_up && now_ms() < end && decision == VOUCH_NOT_ENOUGH_SPEECH) {
            if (poll(ready, 2, 100) <= 0) continue;
            if (ready[1].revents & POLLIN) {
                ssize_t n = recv(rtp, message, sizeof message, 0);
                if (n > 0 && c.answered && (result = rtp_hear(&s, (unsigned char *)message, (size_t)n)) == VOUCH_OK)
                    result = vouch_session_decision(s.session, &decision, &score);
            }
            if (ready[0].revents & POLLIN) {
                struct sockaddr_in from;
                socklen_t size = sizeof from;
                ssize_t n = recvfrom(c.fd, message, sizeof message - 1, 0, (struct sockaddr *)&from, &size);
                if (n > 0) {
                    message[n] = 0;
                    hung_up = signalled(&c, message, &from);
                }
            }
        }
        if (c.answered && !hung_up) hang_up(&c);
        if (result == VOUCH_OK) result = rtp_drain(&s, 1);
        if (result == VOUCH_OK && decision == VOUCH_NOT_ENOUGH_SPEECH && (result = vouch_session_finish(s.session)) == VOUCH_OK)
            result = vouch_session_decision(s.session, &decision, &score);
        if (result != VOUCH_OK) {
            code = fail(s.session, result, "call");
        } else {
            printf("%s %d packets=%lu lost=%lu late=%lu\n", vouch_decision_name((int32_t)decision), (int)score, s.packets, s.lost, s.late);
            code = decision == VOUCH_ACCEPT ? 0 : decision == VOUCH_REJECT ? 10 : 11;
        }
    }
    vouch_session_free(s.session);
    vouch_engine_free(engine);
    close(c.fd);
    close(rtp);
    return code;
}
