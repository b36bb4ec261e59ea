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
     * A panic was caught. The handle can only be freed; please report it.
     */
    VOUCH_ERR_PANIC = 900,
    /**
     * Something that cannot be went wrong; please report it.
     */
    VOUCH_ERR_INTERNAL = 901,
} vouch_result;

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
 * Starts a session: authentication at threshold 90 after 10 s of net speech, and nobody claimed yet.
 *
 * `engine`: may be freed before the session. `rate_hz`: rate of the audio to come, 8000 to 192000 Hz.
 * `out`: the new session, to be freed by `vouch_session_free`.
 *
 * Returns `VOUCH_OK`, `VOUCH_ERR_NULL`, `VOUCH_ERR_HANDLE`, `VOUCH_ERR_RANGE`, `VOUCH_ERR_TOO_MANY_HANDLES`.
 * *Real time*: no; allocates all that the call needs, about 300 KB. *Threads*: any.
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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VOUCH_H */
