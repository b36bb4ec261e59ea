//! Enrolment during a call.

use std::fmt;

use super::config::{CallError, Caller};
use super::event::{Event, Queue};
use super::{Call, Reason};
use crate::embed::FRAMES_PER_SECOND;
use crate::enroll::{ChangeFinder, EnrollConfig, EnrollError, Enroller, RecordingEvidence, Refusal};
use crate::score::FraudDecision;
use crate::template::{Embedding, Template};

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
enum State {
    Idle,
    Collecting,
    Made,
}

pub(super) struct Enrollment {
    config: Option<EnrollConfig>,
    state: State,
    net_frames: u64,
    told_tenths: u64,
    sufficient: bool,
    finder: ChangeFinder,
    windows: usize,
    changed: bool,
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

    fn wanted_frames(&self) -> u64 {
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

impl Call {
    /// Asks for the caller to be enrolled. The speech heard so far counts; listening goes on until there is enough.
    ///
    /// # Errors
    /// [`CallError::EnrollmentOff`], [`CallError::EnrollmentExists`], [`CallError::SpeakerNotSet`],
    /// [`CallError::SpeakerOptedOut`], [`CallError::Ended`].
    pub fn enroll(&mut self) -> Result<(), CallError> {
        if self.enrollment.config.is_none() {
            return Err(CallError::EnrollmentOff);
        }
        if self.enrollment.requested() {
            return Err(CallError::EnrollmentExists);
        }
        match self.caller {
            Caller::NotProvided => return Err(CallError::SpeakerNotSet),
            Caller::OptedOut => return Err(CallError::SpeakerOptedOut),
            Caller::NotEnrolled | Caller::Expired | Caller::Enrolled(_) => {}
        }
        if self.finished {
            return Err(CallError::Ended);
        }
        self.enrollment.state = State::Collecting;
        self.enrollment.hear(self.session.progress().net_speech_frames, self.samples, &mut self.events);
        self.reconsider();
        Ok(())
    }

    /// How far the enrolment is; `None` when none was asked for.
    pub fn enrollment(&self) -> Option<EnrollmentProgress> {
        let e = &self.enrollment;
        e.requested().then(|| {
            let wanted = e.wanted_frames().max(1);
            EnrollmentProgress {
                percent: (100 * e.net_frames / wanted).min(100) as u8,
                net_speech_s: e.net_frames as f64 / f64::from(FRAMES_PER_SECOND),
                wanted_s: wanted as f64 / f64::from(FRAMES_PER_SECOND),
                made: e.state == State::Made,
                talker_changed: e.changed,
            }
        })
    }

    /// Makes the voiceprint from the speech heard so far. After a refusal more may be heard and this be asked again.
    ///
    /// Not for a media thread: it allocates, and searches the watch list where fraud detection is on.
    ///
    /// # Errors
    /// Why there is none.
    pub fn finish_enrollment(&mut self) -> Result<Template, EnrollmentRefusal> {
        let config = match (self.enrollment.state, self.enrollment.config) {
            (State::Collecting, Some(config)) => config,
            (State::Made, _) => return Err(EnrollmentRefusal::Made),
            _ => return Err(EnrollmentRefusal::NotRequested),
        };
        let progress = self.session.progress();
        let quality = self.session.quality();
        let embedding = match self.session.embedding(&mut self.values) {
            true => Some(
                Embedding::new(self.session.model_id(), &self.values)
                    .map_err(|e| EnrollmentRefusal::Evidence(EnrollError::Embedding(e)))?,
            ),
            false => None,
        };
        let mut enroller = Enroller::new(config).map_err(|_| EnrollmentRefusal::NotRequested)?;
        enroller
            .add(RecordingEvidence {
                embedding,
                windows: self.session.windows().to_vec().into(),
                net_speech_s: progress.net_speech_s(),
                snr_db: quality.snr_db,
                clipped_share: quality.clipped_share,
                bandwidth_hz: quality.bandwidth_hz,
            })
            .map_err(EnrollmentRefusal::Evidence)?;
        let template = enroller.finish().map_err(EnrollmentRefusal::Speech)?;
        match self.evaluate().fraud {
            Some(f) if f.unknown_list || f.decision == FraudDecision::NotEnoughSpeech => {
                return Err(EnrollmentRefusal::NotSearched);
            }
            Some(f) if f.decision == FraudDecision::HighRisk => return Err(EnrollmentRefusal::OnWatchList),
            _ => {}
        }
        self.enrollment.state = State::Made;
        self.reconsider();
        Ok(template)
    }
}
