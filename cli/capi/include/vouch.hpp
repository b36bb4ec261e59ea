// A thin C++17 wrapper of vouch.h: handles free themselves, failures are exceptions. Header only.
#ifndef VOUCH_HPP
#define VOUCH_HPP

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "vouch.h"

namespace vouch {

/// A call failed. `result()` is the code, `what()` its text with the details.
class error : public std::runtime_error {
public:
    error(vouch_result result, const std::string &text) : std::runtime_error(text), result_(result) {}
    vouch_result result() const noexcept { return result_; }

private:
    vouch_result result_;
};

namespace detail {

inline std::string text_of(const void *handle, vouch_result result) {
    char text[512];
    if (handle && vouch_last_error(handle, text, sizeof text, nullptr) == VOUCH_OK && text[0]) return text;
    return vouch_strerror(result);
}

inline void check(vouch_result result, const void *handle = nullptr) {
    if (result != VOUCH_OK) throw error(result, text_of(handle, result));
}

template <class T, vouch_result (*Free)(T *)>
struct deleter {
    void operator()(T *handle) const noexcept { Free(handle); }
};

template <class T, vouch_result (*Free)(T *)>
using owned = std::unique_ptr<T, deleter<T, Free>>;

}  // namespace detail

/// The network and what its scores mean. Share one in the process.
class engine {
public:
    engine() {
        vouch_engine *made = nullptr;
        detail::check(vouch_engine_new(&made));
        handle_.reset(made);
    }
    const vouch_engine *get() const noexcept { return handle_.get(); }

private:
    detail::owned<vouch_engine, vouch_engine_free> handle_;
};

using voiceprint = std::vector<std::uint8_t>;

/// Recordings of one person on their way to a voiceprint.
class enrolment {
public:
    enrolment(const engine &from, std::uint32_t rate_hz) {
        vouch_enrolment *made = nullptr;
        detail::check(vouch_enrolment_new(from.get(), rate_hz, &made));
        handle_.reset(made);
    }
    void push(const float *samples, std::size_t n) { check(vouch_enrolment_push_f32(get(), samples, n)); }
    void push(const std::int16_t *samples, std::size_t n) { check(vouch_enrolment_push_s16(get(), samples, n)); }
    void next_recording() { check(vouch_enrolment_next_recording(get())); }
    /// Throws the reason of a refusal.
    voiceprint finish() {
        check(vouch_enrolment_finish(get()));
        std::size_t size = 0;
        check(vouch_enrolment_voiceprint(get(), nullptr, 0, &size));
        voiceprint bytes(size);
        check(vouch_enrolment_voiceprint(get(), bytes.data(), bytes.size(), &size));
        return bytes;
    }
    vouch_enrolment *get() const noexcept { return handle_.get(); }

private:
    void check(vouch_result result) const { detail::check(result, get()); }
    detail::owned<vouch_enrolment, vouch_enrolment_free> handle_;
};

/// One call against one claimed voice.
class session {
public:
    struct outcome {
        vouch_decision decision;
        std::int32_t score;  ///< 0 to 100, or -1 unless accepted or rejected
    };

    session(const engine &from, std::uint32_t rate_hz) {
        vouch_session *made = nullptr;
        detail::check(vouch_session_new(from.get(), rate_hz, &made));
        handle_.reset(made);
    }
    void auth(std::uint32_t threshold, std::uint32_t min_speech_ms) { check(vouch_session_set_auth(get(), threshold, min_speech_ms)); }
    void claim(const voiceprint &bytes) {
        check(vouch_session_set_speaker(get(), VOUCH_CLAIM_ENROLLED, bytes.data(), bytes.size()));
    }
    void push(const float *samples, std::size_t n) { check(vouch_session_push_f32(get(), samples, n)); }
    void push(const std::int16_t *samples, std::size_t n) { check(vouch_session_push_s16(get(), samples, n)); }
    void push_pcmu(const std::uint8_t *payload, std::size_t n) { check(vouch_session_push_pcmu(get(), payload, n)); }
    void push_pcma(const std::uint8_t *payload, std::size_t n) { check(vouch_session_push_pcma(get(), payload, n)); }
    void push_lost(std::size_t samples) { check(vouch_session_push_lost(get(), samples)); }
    void finish() { check(vouch_session_finish(get())); }
    void reset() { check(vouch_session_reset(get())); }
    outcome decide() const {
        outcome now{};
        check(vouch_session_decision(get(), &now.decision, &now.score));
        return now;
    }
    vouch_session *get() const noexcept { return handle_.get(); }

private:
    void check(vouch_result result) const { detail::check(result, get()); }
    detail::owned<vouch_session, vouch_session_free> handle_;
};

/// Voiceprints to be recognised, each with a number of yours.
class watchlist {
public:
    explicit watchlist(const engine &from) {
        vouch_watchlist *made = nullptr;
        detail::check(vouch_watchlist_new(from.get(), &made));
        handle_.reset(made);
    }
    void add(const voiceprint &bytes, std::uint64_t id) { detail::check(vouch_watchlist_add(get(), bytes.data(), bytes.size(), id), get()); }
    vouch_watchlist *get() const noexcept { return handle_.get(); }

private:
    detail::owned<vouch_watchlist, vouch_watchlist_free> handle_;
};

/// A call as it happens. What is not wrapped here is reached through `get()`.
class call {
public:
    call(const engine &from, std::uint32_t rate_hz, std::uint32_t flags = VOUCH_CALL_PLAIN) {
        vouch_call *made = nullptr;
        detail::check(vouch_call_new(from.get(), rate_hz, flags, &made));
        handle_.reset(made);
    }
    void auth(std::uint32_t threshold, std::uint32_t min_speech_ms, bool early = false) {
        check(vouch_call_set_auth(get(), threshold, min_speech_ms, early));
    }
    void fraud(const watchlist &list, std::uint32_t threshold) { check(vouch_call_set_fraud(get(), list.get(), threshold)); }
    void claim(const voiceprint &bytes) { check(vouch_call_set_speaker(get(), VOUCH_CLAIM_ENROLLED, bytes.data(), bytes.size())); }
    void start() { check(vouch_call_start(get())); }
    void push(const float *samples, std::size_t n) { check(vouch_call_push_f32(get(), samples, n)); }
    /// Both sides of the call; it must have been made with VOUCH_CALL_WITH_AGENT.
    void push_both(const float *caller, const float *agent, std::size_t n) { check(vouch_call_push_both_f32(get(), caller, agent, n)); }
    void push_pcmu(const std::uint8_t *payload, std::size_t n) { check(vouch_call_push_pcmu(get(), payload, n)); }
    void push_lost(std::size_t samples) { check(vouch_call_push_lost(get(), samples)); }
    void finish() { check(vouch_call_finish(get())); }
    /// The branch of a call flow; empty while it must be asked again.
    std::string check_branch(vouch_check what) {
        const char *branch = nullptr;
        check(vouch_call_check(get(), what, &branch));
        return branch ? branch : "";
    }
    vouch_call *get() const noexcept { return handle_.get(); }

private:
    void check(vouch_result result) const { detail::check(result, get()); }
    detail::owned<vouch_call, vouch_call_free> handle_;
};

}  // namespace vouch

#endif
