//! What happened in a call.

use std::collections::VecDeque;

use crate::score::{Decision, Score};

/// Something that happened, at a position of the stream in samples. Nothing in it identifies the caller.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The call is listened to from here on.
    StreamingStarted {
        /// When.
        at: u64,
    },
    /// The call is listened to no more.
    StreamingEnded {
        /// When.
        at: u64,
        /// Everything asked has been heard; otherwise the call is over.
        enough: bool,
    },
    /// There is net speech for a decision.
    SpeechSufficient {
        /// When.
        at: u64,
    },
    /// The caller was authenticated, or cannot be any more.
    Authentication {
        /// When.
        at: u64,
        /// The decision.
        decision: Decision,
        /// The score, where the decision rests on one.
        score: Option<Score>,
        /// Decided before the response time.
        early: bool,
    },
    /// An enrolment has come further, by a tenth at least.
    EnrollmentProgress {
        /// When.
        at: u64,
        /// Share of the net speech wanted, 0 to 100.
        percent: u8,
    },
    /// There is net speech for an enrolment: [`super::Call::finish_enrollment`] may be called.
    EnrollmentSpeechSufficient {
        /// When.
        at: u64,
    },
    /// Another voice seems to have taken over since the call is enrolled from.
    TalkerChanged {
        /// When that was noticed, which is some seconds of speech later.
        at: u64,
    },
    /// The agent is heard in the caller's channel.
    AgentBleed {
        /// When that was noticed.
        at: u64,
        /// Level over the agent's own, in dB.
        level_db: f32,
    },
    /// A secure passage began.
    SecureStarted {
        /// When.
        at: u64,
    },
    /// A secure passage ended.
    SecureEnded {
        /// When.
        at: u64,
    },
}

/// The latest events, as many as there is room for.
pub(super) struct Queue {
    events: VecDeque<Event>,
    dropped: u64,
}

impl Queue {
    const ROOM: usize = 64;

    pub(super) fn new() -> Self {
        Self { events: VecDeque::with_capacity(Self::ROOM), dropped: 0 }
    }

    pub(super) fn put(&mut self, event: Event) {
        if self.events.len() == Self::ROOM {
            self.events.pop_front();
            self.dropped += 1;
        }
        self.events.push_back(event);
    }

    pub(super) fn take(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.dropped = 0;
    }
}
