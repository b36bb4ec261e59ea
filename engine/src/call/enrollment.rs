//! Enrolment during a call.

use std::fmt;

use super::config::CallError;
use super::event::{Event, Queue};
use super::result::Reason;
use crate::embed::FRAMES_PER_SECOND;
use crate::enroll::{ChangeFinder, EnrollConfig, EnrollError, Enroller, Refusal};

/// How far an enrolment is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EnrollmentProgress {
    /// Share of the net speech wanted, 0 to 100.
    pub percent: u8,
    /// Net speech so far, in seconds.
    pub net_speech_s: f64,
    /// Net speech wanted, in seconds.
    pub wanted_s: f64,
    /// The voiceprint has been made.
    pub made: bool,
    /// Another voice seems to have taken over.
    pub talker_changed: bool,
}

/// Why a call makes no voiceprint.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum EnrollmentRefusal {
    /// Nobody asked for an enrolment in this call.
    NotRequested,
    /// The voiceprint has been made already.
    Made,
    /// The speech is not good enough: too little, noise, clipping, two voices.
    Speech(Refusal),
    /// The voice is on the watch list.
    OnWatchList,
    /// Fraud detection is on, and cannot tell yet: there is too little speech for it, or its list is not known.
    NotSearched,
    /// The speech cannot be used; this is a defect.
    Evidence(EnrollError),
}

impl EnrollmentRefusal {
    /// A code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRequested => "NOT_REQUESTED",
            Self::Made => "ENROLLMENT_ALREADY_EXISTS",
            Self::Speech(refusal) => refusal.reason().code(),
            Self::OnWatchList => Reason::KnownFraudster.as_str(),
            Self::NotSearched => "NOT_SEARCHED",
            Self::Evidence(_) => "INTERNAL",
        }
    }
}

impl fmt::Display for EnrollmentRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRequested => f.write_str("no enrolment was asked for"),
            Self::Made => f.write_str("this call has made a voiceprint already"),
            Self::Speech(refusal) => refusal.fmt(f),
            Self::OnWatchList => write!(f, "{}: the voice is on the watch list", self.code()),
            Self::NotSearched => write!(f, "{}: the voice could not be looked for on the watch list", self.code()),
            Self::Evidence(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for EnrollmentRefusal {}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Collecting,
    Made,
}

pub(super) struct Enrollment {
    pub(super) config: Option<EnrollConfig>,
    pub(super) state: State,
    pub(super) net_frames: u64,
    told_tenths: u64,
    sufficient: bool,
    finder: ChangeFinder,
    windows: usize,
    pub(super) changed: bool,
}

impl Enrollment {
    pub(super) fn new(config: Option<EnrollConfig>, dim: usize) -> Result<Self, CallError> {
        if let Some(config) = config {
            Enroller::new(config).map_err(CallError::Enrollment)?;
        }
        let finder = ChangeFinder::new(if config.is_some() { dim } else { 0 });
        let state = State::Idle;
        Ok(Self { config, state, net_frames: 0, told_tenths: 0, sufficient: false, finder, windows: 0, changed: false })
    }

    pub(super) fn requested(&self) -> bool {
        self.state != State::Idle
    }

    /// Needs no more audio.
    pub(super) fn satisfied(&self) -> bool {
        self.state != State::Collecting || self.sufficient
    }

    pub(super) fn wanted_frames(&self) -> u64 {
        let wanted_s = self.config.map_or(0.0, |c| c.wanted_s());
        (wanted_s * f64::from(FRAMES_PER_SECOND)).ceil() as u64
    }

    pub(super) fn hear(&mut self, net_frames: u64, at: u64, events: &mut Queue) {
        self.net_frames = net_frames;
        if self.state != State::Collecting {
            return;
        }
        let wanted = self.wanted_frames().max(1);
        let tenths = (10 * net_frames / wanted).min(10);
        if tenths > self.told_tenths {
            self.told_tenths = tenths;
            events.put(Event::EnrollmentProgress { at, percent: 10 * tenths as u8 });
        }
        if net_frames >= wanted && !self.sufficient {
            self.sufficient = true;
            events.put(Event::EnrollmentSpeechSufficient { at });
        }
    }

    /// Looks for a change of talker among the windows so far, once for each new one.
    pub(super) fn look(&mut self, windows: &[f32], at: u64, events: &mut Queue) {
        let Some(limits) = self.config.map(|c| c.coherence_limits()).filter(|_| self.state == State::Collecting) else {
            return;
        };
        let dim = self.finder.dim();
        if self.changed || windows.len() == self.windows || windows.len() < limits.least_windows * dim {
            return;
        }
        self.windows = windows.len();
        if self.finder.find(windows).is_some_and(|change| change.counts(&limits)) {
            self.changed = true;
            events.put(Event::TalkerChanged { at });
        }
    }

    pub(super) fn forget_stream(&mut self) {
        self.windows = 0;
        self.changed = false;
        self.net_frames = 0;
        self.told_tenths = 0;
        self.sufficient = false;
    }

    pub(super) fn reset(&mut self) {
        self.forget_stream();
        self.state = State::Idle;
    }
}
