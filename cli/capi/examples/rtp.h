/*
 * One RTP stream into the engine, for the examples: PCMU (payload type 0) and PCMA (8) of RFC 3551, at 8000 Hz.
 *
 * Packets may come late, twice, out of order or not at all: they wait in a window of 8 (160 ms) for those before them; what has not come
 * by then is told as lost. Any other payload type, telephone-event (RFC 4733) and comfort noise among them, is no speech: its time passes
 * as silence. The first source (SSRC) heard is the caller.
 */
#ifndef VOUCH_EXAMPLE_RTP_H
#define VOUCH_EXAMPLE_RTP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vouch.h"

#define RTP_WINDOW 8
#define RTP_MAX_PAYLOAD 1500

struct rtp_packet {
    int there, speech, mu_law;
    uint16_t sequence;
    uint32_t timestamp;
    size_t len;
    unsigned char payload[RTP_MAX_PAYLOAD];
};

/* Where the stream goes: a session or an enrolment, the other NULL. */
struct rtp_stream {
    vouch_session *session;
    vouch_enrolment *enrolment;
    struct rtp_packet window[RTP_WINDOW];
    int started, held;
    uint32_t ssrc;
    uint16_t next_sequence;
    uint32_t next_timestamp;
    unsigned long packets, lost, late;
};

static vouch_result rtp_lost(struct rtp_stream *s, uint32_t samples) {
    return s->session ? vouch_session_push_lost(s->session, samples) : vouch_enrolment_push_lost(s->enrolment, samples);
}

/* The packet that is next in order goes into the engine; time that no audio came for is told as lost. */
static vouch_result rtp_take(struct rtp_stream *s, struct rtp_packet *p) {
    uint32_t gap = p->timestamp - s->next_timestamp;
    vouch_result result = VOUCH_OK;
    p->there = 0;
    s->held--;
    s->next_sequence = (uint16_t)(p->sequence + 1);
    if (gap > 0 && gap < 8000 * 20) result = rtp_lost(s, gap);
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
static vouch_result rtp_drain(struct rtp_stream *s, int all) {
    while (s->held > 0) {
        struct rtp_packet *p = &s->window[s->next_sequence % RTP_WINDOW];
        if (p->there && p->sequence == s->next_sequence) {
            vouch_result result = rtp_take(s, p);
            if (result != VOUCH_OK) return result;
        } else if (all || s->held >= RTP_WINDOW - 1) {
            s->next_sequence++;
            s->lost++;
        } else {
            break;
        }
    }
    return VOUCH_OK;
}

/* One datagram, as RFC 3550 section 5.1 lays it out; anything that is not RTP is passed over. */
static vouch_result rtp_hear(struct rtp_stream *s, const unsigned char *d, size_t n) {
    size_t header;
    uint16_t sequence;
    uint32_t ssrc;
    int16_t ahead;
    struct rtp_packet *p;
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
    if (n < header || n - header > RTP_MAX_PAYLOAD) return VOUCH_OK;
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
    while (ahead >= RTP_WINDOW) { /* a long gap: what waits goes in, then the stream begins anew here */
        if (s->held == 0) {
            s->lost += (unsigned long)ahead;
            s->next_sequence = sequence;
        } else if ((result = rtp_drain(s, 1)) != VOUCH_OK) {
            return result;
        }
        ahead = (int16_t)(sequence - s->next_sequence);
    }
    p = &s->window[sequence % RTP_WINDOW];
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
    return rtp_drain(s, 0);
}

#endif
