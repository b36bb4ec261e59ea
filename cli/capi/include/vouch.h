/*
 * vouch: voice authentication for telephony.
 *
 *   vouch_engine *engine;          the network and what its scores mean; one for the process
 *   vouch_session *session;        one call
 *
 *   vouch_engine_new(&engine);
 *   vouch_session_new(engine, 8000, &session);
 *   vouch_session_set_speaker(session, VOUCH_CLAIM_ENROLLED, voiceprint, voiceprint_len);
 *   for each packet:
 *       vouch_session_push_pcmu(session, payload, payload_len);
 *       vouch_session_decision(session, &decision, &score);
 *   vouch_session_free(session);
 *   vouch_engine_free(engine);
 *
 * What holds for every call
 *
 * Result      Every call that can fail returns a vouch_result; VOUCH_OK is 0. vouch_strerror gives its text, vouch_last_error more words.
 *             Outputs are written only on success, except the size needed, which is also written for VOUCH_ERR_BUFFER. After an error the
 *             object is as it was before. A decision is not a result: "reject" and "not enough speech" come with VOUCH_OK.
 * Handles     Opaque. NULL, a freed handle, a handle of another kind and any other number are told by a result and touch nothing.
 *             Made by _new, freed by _free; freeing NULL is fine.
 * Threads     Different handles may be used in parallel. One handle is for one thread at a time: a second one that comes in meanwhile gets
 *             VOUCH_ERR_BUSY and changes nothing. An engine may be used by any number of threads at once.
 * Real time   Calls marked so do not allocate, lock, wait or enter the kernel.
 * Audio       Mono. Any chunking gives the same bits. Lost packets are told by _push_lost. 8000 Hz is at home.
 * Panics      Never cross: VOUCH_ERR_PANIC is returned, and the handle can only be freed.
 * Privacy     No text, event or log line names a person or holds audio.
 */


#ifndef VOUCH_H
#define VOUCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** This header's version: major * 1,000,000 + minor * 1,000 + patch. */
#define VOUCH_VERSION_NUMBER 1000


/**
 * How a call ended. Numbers come in blocks, and one that goes out of use is never used again.
 */
typedef enum vouch_result {
    /**
     * Done.
     */
    VOUCH_OK = 0,
    /**
     * A pointer that must not be NULL is.
     */
    VOUCH_ERR_NULL = 100,
    /**
     * No live handle: freed already, or never was one.
     */
    VOUCH_ERR_HANDLE = 101,
    /**
     * A live handle of another kind.
     */
    VOUCH_ERR_HANDLE_KIND = 102,
    /**
     * Another thread is inside this handle; nothing was changed.
     */
    VOUCH_ERR_BUSY = 103,
    /**
     * A number out of its range, or an enum without this value.
     */
    VOUCH_ERR_RANGE = 104,
    /**
     * The buffer is too small; the size needed was written to the `_n` argument, and nothing else.
     */
    VOUCH_ERR_BUFFER = 105,
    /**
     * A text that is not UTF-8, or has a NUL inside.
     */
    VOUCH_ERR_TEXT = 106,
    /**
     * A call that does not fit the state, such as audio after the end.
     */
    VOUCH_ERR_STATE = 107,
    /**
     * More handles than the library has room for: about 67 million.
     */
    VOUCH_ERR_TOO_MANY_HANDLES = 108,
    /**
     * There is none: no event waits, no speech was heard, no score is decided.
     */
    VOUCH_ERR_NONE = 109,
    /**
     * A sample that is NaN, infinite, or beyond the scale; nothing was taken.
     */
    VOUCH_ERR_AUDIO = 200,
    /**
     * A packet that cannot be, or is longer than 200 ms at 48 kHz; nothing was taken.
     */
    VOUCH_ERR_PACKET = 201,
    /**
     * Bytes that are no voiceprint, or damaged.
     */
    VOUCH_ERR_VOICEPRINT = 300,
    /**
     * A voiceprint of another network than the engine's.
     */
    VOUCH_ERR_OTHER_MODEL = 301,
    /**
     * Bytes that are no network, damaged, or for another build.
     */
    VOUCH_ERR_MODEL = 302,
    /**
     * Text that is no calibration, or one of another network.
     */
    VOUCH_ERR_CALIBRATION = 303,
    /**
     * Enrolment refused: too little speech.
     */
    VOUCH_ERR_TOO_LITTLE_SPEECH = 400,
    /**
     * Enrolment refused: too much noise.
     */
    VOUCH_ERR_NOISE = 401,
    /**
     * Enrolment refused: too many clipped samples.
     */
    VOUCH_ERR_CLIPPING = 402,
    /**
     * Enrolment refused: more than one voice.
     */
    VOUCH_ERR_SECOND_VOICE = 403,
    /**
     * Enrolment refused: no speech at all.
     */
    VOUCH_ERR_SILENCE = 404,
    /**
     * Enrolment refused: the voice is on the watch list.
     */
    VOUCH_ERR_WATCHLISTED = 405,
    /**
     * The domain cannot be opened, read or written.
     */
    VOUCH_ERR_DOMAIN = 500,
    /**
     * An id or a name that the domain's rules do not allow, or that is not enough to tell which is meant.
     */
    VOUCH_ERR_ID = 501,
    /**
     * The domain's state does not allow it: there is one already, or the speaker has opted out.
     */
    VOUCH_ERR_CONFLICT = 502,
    /**
     * The domain has none: no such speaker, list, or consent.
     */
    VOUCH_ERR_NOT_FOUND = 503,
    /**
     * The user in whose name the domain is open has no right to it.
     */
    VOUCH_ERR_DENIED = 504,
    /**
     * A panic was caught. The handle can only be freed; please report it.
     */
    VOUCH_ERR_PANIC = 900,
    /**
     * Something that cannot be went wrong; please report it.
     */
    VOUCH_ERR_INTERNAL = 901,
} vouch_result;

/**
 * What happened in a call.
 */
typedef enum vouch_event {
    /**
     * The call is listened to from here on.
     */
    VOUCH_EVENT_STREAMING_STARTED = 0,
    /**
     * It is listened to no more; value 1 if there was enough, 0 if the call is over.
     */
    VOUCH_EVENT_STREAMING_ENDED = 1,
    /**
     * There is net speech for a decision.
     */
    VOUCH_EVENT_SPEECH_SUFFICIENT = 2,
    /**
     * The caller was authenticated, or cannot be any more; value is a `vouch_decision`, and the score comes with it.
     */
    VOUCH_EVENT_AUTHENTICATION = 3,
    /**
     * The same, before the response time.
     */
    VOUCH_EVENT_AUTHENTICATION_EARLY = 4,
    /**
     * An enrolment has come further; value is its share of the speech wanted, 0 to 100.
     */
    VOUCH_EVENT_ENROLMENT_PROGRESS = 5,
    /**
     * There is speech for an enrolment: `vouch_call_enrol_finish` may be called.
     */
    VOUCH_EVENT_ENROLMENT_SUFFICIENT = 6,
    /**
     * A secure passage began.
     */
    VOUCH_EVENT_SECURE_STARTED = 7,
    /**
     * A secure passage ended.
     */
    VOUCH_EVENT_SECURE_ENDED = 8,
    /**
     * Another voice seems to have taken over since the call is enrolled from.
     */
    VOUCH_EVENT_TALKER_CHANGED = 9,
    /**
     * The agent is heard in the caller's channel; value is the level over the agent's own in dB, rounded.
     */
    VOUCH_EVENT_AGENT_BLEED = 10,
} vouch_event;

/**
 * Whether a call is heard.
 */
typedef enum vouch_call_status {
    /**
     * Not yet: `vouch_call_start` was not called.
     */
    VOUCH_CALL_PENDING = 0,
    /**
     * Yes.
     */
    VOUCH_CALL_ONGOING = 1,
    /**
     * No more: there is enough, or the call is over.
     */
    VOUCH_CALL_ENDED = 2,
} vouch_call_status;

/**
 * What is decided about the claim. Not a result: each of these comes with `VOUCH_OK`.
 */
typedef enum vouch_decision {
    /**
     * The score reaches the threshold.
     */
    VOUCH_ACCEPT = 0,
    /**
     * The score is below the threshold.
     */
    VOUCH_REJECT = 1,
    /**
     * Less net speech than asked for: go on listening, or, at the end of the call, inconclusive.
     */
    VOUCH_NOT_ENOUGH_SPEECH = 2,
    /**
     * The claimed person has no voiceprint.
     */
    VOUCH_SPEAKER_NOT_ENROLLED = 3,
    /**
     * The claimed person has opted out.
     */
    VOUCH_SPEAKER_OPTED_OUT = 4,
    /**
     * Nobody is claimed.
     */
    VOUCH_SPEAKER_ID_NOT_PROVIDED = 5,
    /**
     * The claimed person's voiceprint has expired.
     */
    VOUCH_SPEAKER_EXPIRED = 6,
} vouch_decision;

/**
 * What is decided about the watch list. Not a result: each of these comes with `VOUCH_OK`.
 */
typedef enum vouch_fraud_decision {
    /**
     * The voice is not on the list.
     */
    VOUCH_LOW_RISK = 0,
    /**
     * The voice is on the list.
     */
    VOUCH_HIGH_RISK = 1,
    /**
     * Less net speech than asked for.
     */
    VOUCH_FRAUD_NOT_ENOUGH_SPEECH = 2,
} vouch_fraud_decision;

/**
 * What is known of the person that the caller claims to be.
 */
typedef enum vouch_claim {
    /**
     * Nobody is claimed.
     */
    VOUCH_CLAIM_NONE = 0,
    /**
     * Someone without a voiceprint.
     */
    VOUCH_CLAIM_NOT_ENROLLED = 1,
    /**
     * Someone who opted out.
     */
    VOUCH_CLAIM_OPTED_OUT = 2,
    /**
     * Someone whose voiceprint went unused for too long.
     */
    VOUCH_CLAIM_EXPIRED = 3,
    /**
     * Someone with a voiceprint.
     */
    VOUCH_CLAIM_ENROLLED = 4,
} vouch_claim;

/**
 * What `vouch_call_new` is asked for beyond the usual; added up.
 */
typedef enum vouch_call_flag {
    /**
     * Nothing.
     */
    VOUCH_CALL_PLAIN = 0,
    /**
     * The caller may be enrolled during the call. Costs a second network.
     */
    VOUCH_CALL_MAY_ENROL = 1,
    /**
     * Listen to the end of the call, and not only until there is enough speech for what was asked.
     */
    VOUCH_CALL_TO_THE_END = 2,
    /**
     * The agent's side comes too, by `vouch_call_push_both_f32` or `vouch_call_push_both_s16`.
     */
    VOUCH_CALL_WITH_AGENT = 4,
} vouch_call_flag;

/**
 * What Check Voice ID asks.
 */
typedef enum vouch_check {
    /**
     * Whether the caller has a voiceprint.
     */
    VOUCH_CHECK_ENROLMENT_STATUS = 0,
    /**
     * Whether the caller is who they claim to be.
     */
    VOUCH_CHECK_AUTHENTICATION = 1,
    /**
     * Whether the caller is on the watch list.
     */
    VOUCH_CHECK_FRAUD = 2,
} vouch_check;

/**
 * How grave a line of the log is.
 */
typedef enum vouch_log_level {
    /**
     * A defect: a panic that was caught, or an error that cannot be. Please report it.
     */
    VOUCH_LOG_ERROR = 0,
    /**
     * Misuse: one handle used by two threads at once, or more handles than there can be.
     */
    VOUCH_LOG_WARNING = 1,
    /**
     * What was loaded.
     */
    VOUCH_LOG_INFO = 2,
} vouch_log_level;

/**
 * A call as it happens: authentication, watch list, enrolment and secure passages on one stream. One thread at a time; different calls
 * run in parallel.
 */
typedef struct vouch_call vouch_call;

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * A domain: one folder with a database and its key. One thread at a time; several processes may have it open.
 *
 * None of its calls is for a media thread: they read and write files, and may wait for another process.
 */
typedef struct vouch_domain vouch_domain;
#endif

/**
 * A network and what its scores mean. Any number of threads may use one at once; it never changes. Whatever was made from it stays
 * good after it was freed.
 */
typedef struct vouch_engine vouch_engine;

/**
 * Recordings of one person on their way to a voiceprint. One thread at a time; different enrolments run in parallel.
 */
typedef struct vouch_enrolment vouch_enrolment;

/**
 * One call against one claimed voice. One thread at a time; different sessions run in parallel.
 */
typedef struct vouch_session vouch_session;

/**
 * Voiceprints to be recognised, each with a number of yours. One thread at a time; what calls were given of it stays theirs.
 */
typedef struct vouch_watchlist vouch_watchlist;

/**
 * Told of an event: your pointer, a `vouch_event`, its place in the stream in samples, its value, and its score or -1.
 *
 * Comes on the thread that pushes, ends or marks a secure passage, after the audio was taken. It must not use the same call, which
 * answers `VOUCH_ERR_BUSY`, and must not unwind.
 */
typedef void (*vouch_event_callback)(void *userdata, int32_t event, uint64_t at_sample, int32_t value, int32_t score);

/**
 * Told of a line for the log: your pointer, a `vouch_log_level`, and the text, which is gone when the callback returns.
 *
 * Comes on whichever thread it happens on, a misused media thread among them. It must not set the log itself (`VOUCH_ERR_BUSY`), and must
 * not unwind.
 */
typedef void (*vouch_log_callback)(void *userdata, int32_t level, const char *text);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Text of a result, ended by NUL; never NULL, lives for ever. Any number is fine.
 *
 * *Real time*: yes. *Threads*: any.
 */
const char *vouch_strerror(int32_t result);

/**
 * Writes what the last call on this handle failed for, in more words than `vouch_strerror`; an empty text if it did not fail. The texts
 * name numbers and reasons, never a person.
 *
 * `handle`: a handle of any kind but `vouch_engine`, whose calls tell everything by their result.
 * `buffer`, `len`: where the text and its NUL go; NULL and 0 to ask for the size alone. `needed_n`: its size in bytes with the NUL, written
 * even when the buffer is too small; may be NULL.
 *
 * *Real time*: no, allocates. *Threads*: one at a time for a handle.
 *
 * # Safety
 * `buffer` is NULL or valid for writes of `len` bytes; `needed_n` is NULL or valid.
 */
enum vouch_result vouch_last_error(const void *handle,
                                   char *buffer,
                                   size_t len,
                                   size_t *needed_n);

/**
 * The library's version, as in "1.2.3", ended by NUL; lives for ever.
 *
 * *Real time*: yes. *Threads*: any.
 */
const char *vouch_version(void);

/**
 * The library's version as a number: major * 1,000,000 + minor * 1,000 + patch. Compare with `VOUCH_VERSION_NUMBER` of the header.
 *
 * *Real time*: yes. *Threads*: any.
 */
uint32_t vouch_version_number(void);

/**
 * What this build can do beyond the rest, as words with a space between them, ended by NUL; lives for ever. Empty where there is nothing.
 *
 * `simd=NAME`: the instruction set of 32-bit kernels on this machine, `scalar`, `avx2`, `avx512` or `neon`. `domain`: `vouch_domain_*`.
 *
 * *Real time*: no, the first time. *Threads*: any.
 */
const char *vouch_features(void);

/**
 * Handles that are alive in this process: what a test for leaks looks at.
 *
 * *Real time*: no, takes a lock. *Threads*: any.
 */
size_t vouch_live_handles(void);

#if defined(VOUCH_TEST_PANIC)
/**
 * Panics inside, for the tests of the panic boundary.
 */
enum vouch_result vouch_test_panic(void *handle);
#endif

/**
 * Starts a call that is not listened to yet, and about which nothing is asked.
 *
 * `engine`: may be freed before the call. `rate_hz`: rate of the audio to come, 8000 to 192000 Hz. `flags`: `vouch_call_flag`s, added up.
 * `out`: the new call, to be freed by `vouch_call_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_TOO_MANY_HANDLES`.
 * *Real time*: no; allocates all that the call needs, about 230 KB. *Threads*: any.
 *
 * # Safety
 * `out` is NULL or valid for a write.
 */
enum vouch_result vouch_call_new(const struct vouch_engine *engine,
                                 uint32_t rate_hz,
                                 uint32_t flags,
                                 struct vouch_call **out);

/**
 * Frees a call and erases what it heard. NULL is fine.
 *
 * *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
 */
enum vouch_result vouch_call_free(struct vouch_call *call);

/**
 * Has events told to `callback` as they happen, instead of waiting for `vouch_call_next_event`; NULL ends that.
 *
 * `userdata`: handed on, never followed; must be good for as long as the callback is set.
 *
 * Returns `VOUCH_OK`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_call_set_callback(struct vouch_call *call, void *userdata, vouch_event_callback callback);

/**
 * Asks for authentication; also during the call, for what was heard before too.
 *
 * `threshold`: 0 to 100, accepted at or above it. `min_speech_ms`: net speech before the decision, 5000 to 10000 ms.
 * `early`: not 0 to decide clear cases before that, by a sequential test that keeps the threshold's false match rate.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, or a handle's error. *Real time*: no. *Threads*: one at a time.
 */
enum vouch_result vouch_call_set_auth(struct vouch_call *call,
                                      uint32_t threshold,
                                      uint32_t min_speech_ms,
                                      int32_t early);

/**
 * Asks whether the caller is on a watch list; also during the call.
 *
 * `watchlist`: as it is now, what is added later does not count; NULL to ask no more. `threshold`: 0 to 100, of high risk at or above it.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_OTHER_MODEL`, or a handle's error, of the list's too. *Real time*: no.
 * *Threads*: one at a time, for both.
 */
enum vouch_result vouch_call_set_fraud(struct vouch_call *call,
                                       struct vouch_watchlist *watchlist,
                                       uint32_t threshold);

/**
 * Sets who the caller claims to be; also during the call, for what was heard before too.
 *
 * `claim`: a `vouch_claim`. `voiceprint`, `voiceprint_len`: the person's, with `VOUCH_CLAIM_ENROLLED`; otherwise NULL and 0. Copied.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_RANGE` (no such claim, or a voiceprint where none belongs), `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`,
 * `VOUCH_ERR_STATE` once an enrolment has begun, or a handle's error. *Real time*: no; allocates. *Threads*: one at a time.
 *
 * # Safety
 * `voiceprint` is as long as it says.
 */
enum vouch_result vouch_call_set_speaker(struct vouch_call *call,
                                         int32_t claim,
                                         const uint8_t *voiceprint,
                                         size_t voiceprint_len);

/**
 * Begins to listen; from then on it is listened to until there is enough, whatever is set.
 *
 * Returns `VOUCH_OK`, or a handle's error. *Real time*: no. *Threads*: one at a time.
 */
enum vouch_result vouch_call_start(struct vouch_call *call);

/**
 * Takes samples: 32-bit floats, mono, +-1.0, at the call's rate; `samples_n` of them, any number. What is not listened to is counted and
 * forgotten.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE` after the end, `VOUCH_ERR_RANGE` (a misaligned pointer), or a
 * handle's error. *Real time*: yes: no allocation, lock or system call. *Threads*: one at a time.
 *
 * # Safety
 * `samples` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_call_push_f32(struct vouch_call *call,
                                      const float *samples,
                                      size_t samples_n);

/**
 * Takes the caller's samples and what the agent said meanwhile, `samples_n` of each; as `vouch_call_push_f32` otherwise. Only the caller's side is
 * listened to; the agent's is compared with it, to notice where it is heard there too (`vouch_call_bleed`, `VOUCH_EVENT_AGENT_BLEED`).
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE` after the end or without `VOUCH_CALL_WITH_AGENT`, `VOUCH_ERR_RANGE` (a
 * misaligned pointer), or a handle's error. *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * `caller` and `agent` are as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_call_push_both_f32(struct vouch_call *call,
                                           const float *caller,
                                           const float *agent,
                                           size_t samples_n);

/**
 * As `vouch_call_push_both_f32`, 16-bit samples in the machine's byte order.
 *
 * # Safety
 * `caller` and `agent` are as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_call_push_both_s16(struct vouch_call *call,
                                           const int16_t *caller,
                                           const int16_t *agent,
                                           size_t samples_n);

/**
 * As `vouch_call_push_f32`, 16-bit samples in the machine's byte order.
 *
 * # Safety
 * `samples` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_call_push_s16(struct vouch_call *call, const int16_t *samples, size_t samples_n);

/**
 * As `vouch_call_push_f32`, the payload of one RTP packet in ITU-T G.711 mu-law; at most 9600 bytes (`VOUCH_ERR_PACKET`).
 *
 * # Safety
 * `payload` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_call_push_pcmu(struct vouch_call *call,
                                       const uint8_t *payload,
                                       size_t payload_len);

/**
 * As `vouch_call_push_pcmu`, in G.711 A-law.
 *
 * # Safety
 * `payload` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_call_push_pcma(struct vouch_call *call, const uint8_t *payload, size_t payload_len);

/**
 * Tells that samples were lost; silence stands for them. At most 192000 samples a call (`VOUCH_ERR_RANGE`).
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_call_push_lost(struct vouch_call *call, size_t samples_n);

/**
 * Begins a secure passage: until it ends the audio that is pushed reaches neither voiceprint nor score nor key detector; silence stands for
 * it. A second begin changes nothing.
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_call_secure_begin(struct vouch_call *call);

/**
 * Ends a secure passage.
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_call_secure_end(struct vouch_call *call);

/**
 * Ends the call: what waited for look-ahead is finished, and what is not decided by now never will be.
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_call_finish(struct vouch_call *call);

/**
 * A new stream in the same call, after a transfer say: what was heard is forgotten, what is asked stays.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_STATE` while one is heard, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_call_restart(struct vouch_call *call);

/**
 * Back to the state after `vouch_call_new`, ready for another call; a callback stays.
 *
 * *Real time*: no; gives back what was set. *Threads*: one at a time.
 */
enum vouch_result vouch_call_reset(struct vouch_call *call);

/**
 * The oldest event that was not taken yet. The latest 64 are kept.
 *
 * `event`: a `vouch_event`. `at_sample`: when, in samples of the stream. `value`, `score`: see `vouch_event`; the score is 0 to 100, or -1.
 * All but `event` may be NULL.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if there is none, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_call_next_event(struct vouch_call *call,
                                        enum vouch_event *event,
                                        uint64_t *at_sample,
                                        int32_t *value,
                                        int32_t *score);

/**
 * Tells how the call stands.
 *
 * `status`: a `vouch_call_status`. `samples_n`: at the call's rate, lost ones included. `net_speech_ms`: net speech. `missing_ms`: net speech
 * that a decision still needs, 0 when there is enough. `score`: of the caller against the claimed speaker as it stands, whether or not
 * there is speech enough; -1 without a voiceprint or speech. Each may be NULL.
 *
 * *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_call_standing(const struct vouch_call *call,
                                      enum vouch_call_status *status,
                                      uint64_t *samples_n,
                                      uint64_t *net_speech_ms,
                                      uint64_t *missing_ms,
                                      int32_t *score);

/**
 * The result of the authentication as it stands.
 *
 * `decision`: a `vouch_decision`. `score`: 0 to 100, or -1 unless accepted or rejected. `number`: changes exactly when the result does.
 * All but `decision` may be NULL.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if none was asked for, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_call_authentication(struct vouch_call *call,
                                            enum vouch_decision *decision,
                                            int32_t *score,
                                            uint64_t *number);

/**
 * The result of the search on the watch list as it stands.
 *
 * `decision`: a `vouch_fraud_decision`. `risk`: 0 to 100 over the whole list, or -1 before there is speech enough and for an empty list.
 * `closest`: the number of the voiceprint that it comes from, written only with a risk. `number`: changes exactly when the result does.
 * All but `decision` may be NULL.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if none was asked for, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: the first time there is
 * speech enough it takes time that grows with the list; otherwise yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_call_fraud(struct vouch_call *call,
                                   enum vouch_fraud_decision *decision,
                                   int32_t *risk,
                                   uint64_t *closest,
                                   uint64_t *number);

/**
 * The branch that a call flow takes, as Check Voice ID spells it: `Authenticated`, `NotAuthenticated`, `Inconclusive`, `NotEnrolled`, `OptedOut`,
 * `Enrolled`, `HighRisk`, `LowRisk`, `NotEnabled`, `Error`. NULL while it must be asked again. The text lives for ever.
 *
 * `check`: a `vouch_check`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_RANGE`, or a handle's error. *Real time*: as `vouch_call_fraud`. *Threads*: one at a time.
 *
 * # Safety
 * `branch` is NULL or valid for a write.
 */
enum vouch_result vouch_call_check(struct vouch_call *call,
                                   int32_t check,
                                   const char **branch);

/**
 * How the agent is heard in the caller's channel.
 *
 * `level_db`: over the agent's own, of the strongest path. `delay_ms`: how much later. `heard_ms`: length of the agent's sound that is heard. Each may
 * be NULL.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` while it was not noticed, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_call_bleed(const struct vouch_call *call,
                                   float *level_db,
                                   uint32_t *delay_ms,
                                   uint64_t *heard_ms);

/**
 * Asks for the caller to be enrolled. What was heard so far counts; listening goes on until there is enough.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_STATE` (the call was made without `VOUCH_CALL_MAY_ENROL`, nobody is claimed, opted out, asked for already, or over),
 * or a handle's error. *Real time*: no. *Threads*: one at a time.
 */
enum vouch_result vouch_call_enrol(struct vouch_call *call);

/**
 * Tells how far an enrolment is: its share of the speech wanted, 0 to 100, and the net speech, in milliseconds. Each may be NULL.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if none was asked for, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_call_enrol_progress(const struct vouch_call *call,
                                            uint32_t *percent,
                                            uint64_t *net_speech_ms);

/**
 * Makes the voiceprint from what was heard so far. After a refusal more may be heard and this be asked again.
 *
 * Returns `VOUCH_OK`, a refusal (`VOUCH_ERR_TOO_LITTLE_SPEECH` to `VOUCH_ERR_WATCHLISTED`), `VOUCH_ERR_NONE` if no enrolment was asked for,
 * `VOUCH_ERR_STATE` if it is made or the watch list could not be searched yet, or a handle's error.
 * *Real time*: no; allocates, and searches the watch list. *Threads*: one at a time.
 */
enum vouch_result vouch_call_enrol_finish(struct vouch_call *call);

/**
 * Copies the voiceprint that `vouch_call_enrol_finish` made.
 *
 * `buffer`, `len`: where it goes; NULL and 0 to ask for the size alone. `needed_n`: its size in bytes, written even when the buffer is too
 * small; may be NULL.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` if there is none, `VOUCH_ERR_BUFFER`, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes.
 * *Threads*: one at a time.
 *
 * # Safety
 * `buffer` is NULL or valid for writes of `len` bytes; `needed_n` is NULL or valid.
 */
enum vouch_result vouch_call_voiceprint(const struct vouch_call *call,
                                        void *buffer,
                                        size_t len,
                                        size_t *needed_n);

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Opens the domain in a folder, which `vouch domain create` has made.
 *
 * `path`: the folder, UTF-8, ended by NUL. `out`: the domain, to be freed by `vouch_domain_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_TOO_MANY_HANDLES`, `VOUCH_ERR_DOMAIN`: why is told to the log
 * (`vouch_set_log`). *Real time*: no. *Threads*: any.
 *
 * # Safety
 * `path` is NULL or ends with NUL; `out` is NULL or valid for a write.
 */
enum vouch_result vouch_domain_open(const char *path,
                                    struct vouch_domain **out);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Opens the domain in a folder in the name of a user: every call asks for the user's rights, as they are then, and fails with `VOUCH_ERR_DENIED` without them.
 *
 * `path`: as for `vouch_domain_open`. `token`: what `vouch user token` wrote, UTF-8, ended by NUL. `out`: the domain, to be freed by
 * `vouch_domain_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_TOO_MANY_HANDLES`, `VOUCH_ERR_DENIED`, `VOUCH_ERR_DOMAIN`. *Real time*: no. *Threads*:
 * any.
 *
 * # Safety
 * `path` and `token` are NULL or end with NUL; `out` is NULL or valid for a write.
 */
enum vouch_result vouch_domain_open_as(const char *path,
                                       const char *token,
                                       struct vouch_domain **out);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Closes a domain. NULL is fine.
 *
 * *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
 */
enum vouch_result vouch_domain_free(struct vouch_domain *domain);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Looks a speaker up: what `vouch_session_set_speaker` and `vouch_call_set_speaker` want to be told.
 *
 * `speaker`: your id, or the domain's own. `claim`: a `vouch_claim` is written to it, `VOUCH_CLAIM_NOT_ENROLLED` for somebody unknown too.
 * `buffer`, `len`, `needed_n`: where the voiceprint goes, with `VOUCH_CLAIM_ENROLLED` only; otherwise the size is 0.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID`, `VOUCH_ERR_BUFFER`, `VOUCH_ERR_DOMAIN`, or a handle's error.
 * *Real time*: no. *Threads*: one at a time.
 *
 * # Safety
 * `speaker` is NULL or ends with NUL; `buffer` is as long as it says; the outputs are NULL or valid for a write.
 */
enum vouch_result vouch_domain_speaker(struct vouch_domain *domain,
                                       const char *speaker,
                                       int32_t *claim,
                                       void *buffer,
                                       size_t len,
                                       size_t *needed_n);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Keeps a voiceprint for a speaker, sealed.
 *
 * `engine`: whose network made it. `consent`: what the person agreed to, or NULL where that is on file. `overwrite`: not 0 to replace a
 * voiceprint that is there.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID`, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, `VOUCH_ERR_CONFLICT` (one is there,
 * or the speaker has opted out), `VOUCH_ERR_NOT_FOUND` (consent is wanted), `VOUCH_ERR_DOMAIN`, or a handle's error. *Real time*: no.
 * *Threads*: one at a time.
 *
 * # Safety
 * `speaker` and `consent` are NULL or end with NUL; `voiceprint` is as long as it says.
 */
enum vouch_result vouch_domain_enrol(struct vouch_domain *domain,
                                     const struct vouch_engine *engine,
                                     const char *speaker,
                                     const uint8_t *voiceprint,
                                     size_t voiceprint_len,
                                     const char *consent,
                                     int32_t overwrite);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Notes that a speaker was authenticated, which keeps the voiceprint from expiring.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID`, `VOUCH_ERR_NOT_FOUND`, `VOUCH_ERR_CONFLICT`, `VOUCH_ERR_DOMAIN`, or a handle's error.
 * *Real time*: no. *Threads*: one at a time.
 *
 * # Safety
 * `speaker` is NULL or ends with NUL.
 */
enum vouch_result vouch_domain_accepted(struct vouch_domain *domain,
                                        const char *speaker);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Deletes a speaker's voiceprint at their wish, and refuses every later enrolment. Answers and threads as `vouch_domain_accepted`.
 *
 * # Safety
 * `speaker` is NULL or ends with NUL.
 */
enum vouch_result vouch_domain_opt_out(struct vouch_domain *domain,
                                       const char *speaker);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Deletes a speaker and all that belongs to them. Answers and threads as `vouch_domain_accepted`.
 *
 * # Safety
 * `speaker` is NULL or ends with NUL.
 */
enum vouch_result vouch_domain_delete(struct vouch_domain *domain, const char *speaker);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Loads a watch list of the domain as it is now. Its fraudsters have the numbers 0, 1, 2...; `vouch_watchlist_fraudster` gives their ids.
 *
 * `engine`: whose network made the voiceprints; may be freed before the list. `list`: its id or name, NULL for the domain's default list.
 * `out`: the list, to be freed by `vouch_watchlist_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_ID` (two lists of that name), `VOUCH_ERR_NOT_FOUND`, `VOUCH_ERR_OTHER_MODEL` (a list that is
 * searched in part would be a hole), `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_DOMAIN`, `VOUCH_ERR_TOO_MANY_HANDLES`, or a handle's error. *Real time*: no.
 * *Threads*: one at a time.
 *
 * # Safety
 * `list` is NULL or ends with NUL; `out` is NULL or valid for a write.
 */
enum vouch_result vouch_domain_watchlist(struct vouch_domain *domain,
                                         const struct vouch_engine *engine,
                                         const char *list,
                                         struct vouch_watchlist **out);
#endif

#if defined(VOUCH_FEATURE_DOMAIN)
/**
 * Writes the domain's id of a fraudster on a list of `vouch_domain_watchlist`, and a NUL.
 *
 * `number`: as `vouch_call_fraud` and `vouch_watchlist_search` gave it.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` (no such number, or one of `vouch_watchlist_add`), `VOUCH_ERR_BUFFER`, or a handle's error. *Real time*: no.
 * *Threads*: one at a time.
 *
 * # Safety
 * As `vouch_last_error`.
 */
enum vouch_result vouch_watchlist_fraudster(struct vouch_watchlist *watchlist,
                                            uint64_t number,
                                            char *buffer,
                                            size_t len,
                                            size_t *needed_n);
#endif

/**
 * Makes an engine of the built-in network and its calibration.
 *
 * `out`: the new engine, to be freed by `vouch_engine_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_TOO_MANY_HANDLES`. *Real time*: no; allocates about 10 MB. *Threads*: any.
 *
 * # Safety
 * `out` is NULL or valid for a write.
 */
enum vouch_result vouch_engine_new(struct vouch_engine **out);

/**
 * Makes an engine of another network: the bytes of a `.vouch` file, and the JSON text of its calibration.
 *
 * `model`, `model_len`: the container. `calibration`, `calibration_len`: the JSON, UTF-8, without NUL. Both are copied.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_MODEL`, `VOUCH_ERR_CALIBRATION`, `VOUCH_ERR_TEXT`, `VOUCH_ERR_TOO_MANY_HANDLES`.
 * *Real time*: no; allocates. *Threads*: any.
 *
 * # Safety
 * The buffers are as long as they say; `out` is NULL or valid for a write.
 */
enum vouch_result vouch_engine_new_from(const uint8_t *model,
                                        size_t model_len,
                                        const char *calibration,
                                        size_t calibration_len,
                                        struct vouch_engine **out);

/**
 * Frees an engine. NULL is fine; a handle that was freed before is told by the result and changes nothing.
 *
 * *Real time*: no. *Threads*: any.
 */
enum vouch_result vouch_engine_free(struct vouch_engine *engine);

/**
 * Writes the network's id, 32 hexadecimal digits and a NUL: a voiceprint belongs to one network.
 *
 * *Real time*: no; allocates. *Threads*: any.
 *
 * # Safety
 * As `vouch_last_error`.
 */
enum vouch_result vouch_engine_model_id(const struct vouch_engine *engine, char *buffer, size_t len, size_t *needed_n);

/**
 * Tells how much net speech a voiceprint was made of, in milliseconds, and whether it is one of this engine's network.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`. *Real time*: no; allocates. *Threads*: any.
 *
 * # Safety
 * `voiceprint` is as long as it says; `net_speech_ms` is NULL or valid for a write.
 */
enum vouch_result vouch_engine_check_voiceprint(const struct vouch_engine *engine,
                                                const uint8_t *voiceprint,
                                                size_t voiceprint_len,
                                                uint64_t *net_speech_ms);

/**
 * Starts an enrolment.
 *
 * `engine`: may be freed before the enrolment. `rate_hz`: rate of the audio to come, 8000 to 192000 Hz.
 * `out`: the new enrolment, to be freed by `vouch_enrolment_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_TOO_MANY_HANDLES`.
 * *Real time*: no; allocates all that pushing needs. *Threads*: any.
 *
 * # Safety
 * `out` is NULL or valid for a write.
 */
enum vouch_result vouch_enrolment_new(const struct vouch_engine *engine,
                                      uint32_t rate_hz,
                                      struct vouch_enrolment **out);

/**
 * Frees an enrolment and erases what it heard. NULL is fine.
 *
 * *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
 */
enum vouch_result vouch_enrolment_free(struct vouch_enrolment *enrolment);

/**
 * Sets how much net speech is wanted and how much there must be, in milliseconds: 1000 to 3600000, the first not below the second; 30000 and
 * 12000 unless set. Before the first audio only.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_STATE`, or a handle's error. *Real time*: no. *Threads*: one at a time.
 */
enum vouch_result vouch_enrolment_set_speech(struct vouch_enrolment *enrolment,
                                             uint32_t wanted_ms,
                                             uint32_t least_ms);

/**
 * Takes samples: 32-bit floats, mono, +-1.0, at the enrolment's rate; `samples_n` of them, any number.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE`, `VOUCH_ERR_RANGE` (a misaligned pointer), or a handle's error.
 * *Real time*: yes: no allocation, lock or system call. *Threads*: one at a time.
 *
 * # Safety
 * `samples` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_enrolment_push_f32(struct vouch_enrolment *enrolment,
                                           const float *samples,
                                           size_t samples_n);

/**
 * As `vouch_enrolment_push_f32`, 16-bit samples in the machine's byte order.
 *
 * # Safety
 * `samples` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_enrolment_push_s16(struct vouch_enrolment *enrolment, const int16_t *samples, size_t samples_n);

/**
 * As `vouch_enrolment_push_f32`, the payload of one RTP packet in ITU-T G.711 mu-law; at most 9600 bytes.
 *
 * # Safety
 * `payload` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_enrolment_push_pcmu(struct vouch_enrolment *enrolment,
                                            const uint8_t *payload,
                                            size_t payload_len);

/**
 * As `vouch_enrolment_push_pcmu`, in G.711 A-law.
 *
 * # Safety
 * `payload` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_enrolment_push_pcma(struct vouch_enrolment *enrolment,
                                            const uint8_t *payload,
                                            size_t payload_len);

/**
 * Tells that samples were lost; silence stands for them. At most 192000 samples a call.
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_enrolment_push_lost(struct vouch_enrolment *enrolment, size_t samples_n);

/**
 * Ends a recording; what is pushed next is another one of the same person. Recordings must agree with each other.
 *
 * *Real time*: no; allocates. *Threads*: one at a time.
 */
enum vouch_result vouch_enrolment_next_recording(struct vouch_enrolment *enrolment);

/**
 * Tells how far the enrolment is.
 *
 * `net_speech_ms`: net speech so far. `percent`: of what is wanted, 0 to 100. Either may be NULL.
 *
 * *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_enrolment_progress(const struct vouch_enrolment *enrolment,
                                           uint64_t *net_speech_ms,
                                           uint32_t *percent);

/**
 * Ends the enrolment and makes the voiceprint. After a refusal more may be pushed, as another recording, and this called again.
 *
 * Returns `VOUCH_OK`, the reason of a refusal (`VOUCH_ERR_TOO_LITTLE_SPEECH` and the others from 400 on; `vouch_last_error` names the
 * seconds or decibels that are missing), or a handle's error. *Real time*: no; allocates. *Threads*: one at a time.
 */
enum vouch_result vouch_enrolment_finish(struct vouch_enrolment *enrolment);

/**
 * Copies the voiceprint: bytes to be kept, best under the stack's own encryption, for `vouch_session_set_speaker`.
 *
 * `buffer`, `len`: where it goes; NULL and 0 to ask for the size alone. `needed_n`: its size in bytes, written even when the buffer is too
 * small; may be NULL if there is a buffer.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_BUFFER`, `VOUCH_ERR_NULL`, `VOUCH_ERR_STATE` before `vouch_enrolment_finish` succeeded, or a handle's error.
 * *Real time*: no. *Threads*: one at a time.
 *
 * # Safety
 * `buffer` is NULL or valid for writes of `len` bytes; `needed_n` is NULL or valid.
 */
enum vouch_result vouch_enrolment_voiceprint(const struct vouch_enrolment *enrolment,
                                             uint8_t *buffer,
                                             size_t len,
                                             size_t *needed_n);

/**
 * Has lines for the log told to `callback`, for the whole process; NULL ends that. When it returns, nobody is inside the old one any more.
 *
 * `userdata`: handed on, never followed.
 *
 * Returns `VOUCH_OK`, or `VOUCH_ERR_BUSY` from inside the callback. *Real time*: no. *Threads*: any.
 */
enum vouch_result vouch_set_log(void *userdata,
                                vouch_log_callback callback);

/**
 * Starts a session: authentication at threshold 90 after 10 s of net speech, and nobody claimed yet.
 *
 * `engine`: may be freed before the session. `rate_hz`: rate of the audio to come, 8000 to 192000 Hz.
 * `out`: the new session, to be freed by `vouch_session_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_TOO_MANY_HANDLES`.
 * *Real time*: no; allocates all that the call needs, about 220 KB. *Threads*: any.
 *
 * # Safety
 * `out` is NULL or valid for a write.
 */
enum vouch_result vouch_session_new(const struct vouch_engine *engine, uint32_t rate_hz, struct vouch_session **out);

/**
 * Frees a session and erases what it heard. NULL is fine.
 *
 * *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
 */
enum vouch_result vouch_session_free(struct vouch_session *session);

/**
 * Sets the threshold, 0 to 100 (accepted at or above it), and the net speech before a decision, 5000 to 10000 ms. Any time, also during the
 * call.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_RANGE`, or a handle's error. *Real time*: yes, unless it fails. *Threads*: one at a time.
 */
enum vouch_result vouch_session_set_auth(struct vouch_session *session,
                                         uint32_t threshold,
                                         uint32_t min_speech_ms);

/**
 * Sets who the caller claims to be; also during the call, for what was heard before too.
 *
 * `claim`: a `vouch_claim`. `voiceprint`, `voiceprint_len`: the person's, with `VOUCH_CLAIM_ENROLLED`; otherwise NULL and 0. Copied.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_RANGE` (no such claim, or a voiceprint where none belongs), `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, or a
 * handle's error. *Real time*: no; allocates. *Threads*: one at a time.
 *
 * # Safety
 * `voiceprint` is as long as it says.
 */
enum vouch_result vouch_session_set_speaker(struct vouch_session *session,
                                            int32_t claim,
                                            const uint8_t *voiceprint,
                                            size_t voiceprint_len);

/**
 * Takes samples: 32-bit floats, mono, +-1.0, at the session's rate; `samples_n` of them, any number.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_AUDIO` (nothing was taken), `VOUCH_ERR_STATE` after the end, `VOUCH_ERR_RANGE` (a misaligned pointer), or a
 * handle's error. *Real time*: yes: no allocation, lock or system call. *Threads*: one at a time.
 *
 * # Safety
 * `samples` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_session_push_f32(struct vouch_session *session,
                                         const float *samples,
                                         size_t samples_n);

/**
 * As `vouch_session_push_f32`, 16-bit samples in the machine's byte order.
 *
 * # Safety
 * `samples` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_session_push_s16(struct vouch_session *session, const int16_t *samples, size_t samples_n);

/**
 * As `vouch_session_push_f32`, the payload of one RTP packet in ITU-T G.711 mu-law; at most 9600 bytes (`VOUCH_ERR_PACKET`).
 *
 * # Safety
 * `payload` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_session_push_pcmu(struct vouch_session *session,
                                          const uint8_t *payload,
                                          size_t payload_len);

/**
 * As `vouch_session_push_pcmu`, in G.711 A-law.
 *
 * # Safety
 * `payload` is as long as it says; NULL if that is 0.
 */
enum vouch_result vouch_session_push_pcma(struct vouch_session *session, const uint8_t *payload, size_t payload_len);

/**
 * Tells that samples were lost; silence stands for them. At most 192000 samples a call (`VOUCH_ERR_RANGE`).
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_session_push_lost(struct vouch_session *session, size_t samples_n);

/**
 * Ends the audio: what waited for look-ahead is finished. A second call changes nothing.
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_session_finish(struct vouch_session *session);

/**
 * Forgets the audio, ready for another call; thresholds and the claim stay.
 *
 * *Real time*: yes. *Threads*: one at a time.
 */
enum vouch_result vouch_session_reset(struct vouch_session *session);

/**
 * Tells how much has been heard.
 *
 * `samples_n`: at the session's rate, lost ones included. `net_speech_ms`: net speech. `missing_ms`: net speech that a decision still needs, 0
 * when there is enough. Each may be NULL.
 *
 * *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_session_progress(const struct vouch_session *session,
                                         uint64_t *samples_n,
                                         uint64_t *net_speech_ms,
                                         uint64_t *missing_ms);

/**
 * Decides from what was heard so far.
 *
 * `decision`: where it goes. `score`: where the score goes, 0 to 100, or -1 unless accepted or rejected; may be NULL. What a score means:
 * accepting at threshold t, 50 to 100, lets a random impostor in with probability 10^((30 - t) / 20): 90 stands for 0.1 %.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * The outputs are NULL or valid for a write.
 */
enum vouch_result vouch_session_decision(const struct vouch_session *session,
                                         enum vouch_decision *decision,
                                         int32_t *score);

/**
 * The branch that a call flow takes for the decision, as Check Voice ID spells it: `Authenticated`, `NotAuthenticated`, `Inconclusive`,
 * `NotEnrolled`, `OptedOut`, `Error`. NULL while more audio may come and there is not enough speech. The text lives for ever.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, or a handle's error. *Real time*: yes. *Threads*: one at a time.
 *
 * # Safety
 * `branch` is NULL or valid for a write.
 */
enum vouch_result vouch_session_branch(const struct vouch_session *session,
                                       const char **branch);

/**
 * The API's name of a decision, as in `"NOT_ENOUGH_SPEECH"`; never NULL, lives for ever. Any number is fine.
 *
 * *Real time*: yes. *Threads*: any.
 */
const char *vouch_decision_name(int32_t decision);

/**
 * Starts a watch list without voiceprints.
 *
 * `engine`: may be freed before the list. `out`: the new list, to be freed by `vouch_watchlist_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_TOO_MANY_HANDLES`. *Real time*: no. *Threads*: any.
 *
 * # Safety
 * `out` is NULL or valid for a write.
 */
enum vouch_result vouch_watchlist_new(const struct vouch_engine *engine,
                                      struct vouch_watchlist **out);

/**
 * Frees a watch list. Calls that were given it keep what they have. NULL is fine.
 *
 * *Real time*: no. *Threads*: any; a call that is inside on another thread ends first.
 */
enum vouch_result vouch_watchlist_free(struct vouch_watchlist *watchlist);

/**
 * Adds a voiceprint, with a number by which you know whose it is.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, or a handle's error. *Real time*: no; allocates.
 * *Threads*: one at a time.
 *
 * # Safety
 * `voiceprint` is as long as it says.
 */
enum vouch_result vouch_watchlist_add(struct vouch_watchlist *watchlist,
                                      const uint8_t *voiceprint,
                                      size_t voiceprint_len,
                                      uint64_t id);

/**
 * Finds the voiceprint of the list that is closest to one: what tells you that somebody is on it already.
 *
 * `id`: its number. `risk`: 0 to 100, over the whole list: flagging at threshold t, 30 to 100, flags somebody who is not on it with
 * probability 10^((10 - t) / 20). Either may be NULL.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NONE` for an empty list, `VOUCH_ERR_VOICEPRINT`, `VOUCH_ERR_OTHER_MODEL`, or a handle's error.
 * *Real time*: no; allocates, and takes time that grows with the list. *Threads*: one at a time.
 *
 * # Safety
 * `voiceprint` is as long as it says; the outputs are NULL or valid for a write.
 */
enum vouch_result vouch_watchlist_search(struct vouch_watchlist *watchlist,
                                         const uint8_t *voiceprint,
                                         size_t voiceprint_len,
                                         uint64_t *id,
                                         int32_t *risk);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VOUCH_H */
