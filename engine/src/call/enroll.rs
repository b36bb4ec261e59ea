//! Enrolment of the caller during the call.

use super::config::{CallError, Caller};
use super::enrollment::{EnrollmentProgress, EnrollmentRefusal, State};
use super::live::Call;
use crate::embed::FRAMES_PER_SECOND;
use crate::enroll::{EnrollError, Enroller, RecordingEvidence};
use crate::score::FraudDecision;
use crate::template::{Embedding, Template};

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
