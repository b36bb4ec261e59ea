//! A live call joined to a domain.

use std::sync::Arc;

use cli_store::{
    Clock, Consent, Domain, Enrolment, EnrolmentSource, GeneratedSpeakerId, Lookup, ModelId, SessionAudio, SessionId,
    SessionName, SpeakerId, StoreError, SystemClock, Timestamp,
};
use cli_wire::voice_id::{self as wire, Frame, Report, SessionAction};
use engine::audio::SampleRate;
use engine::call::{
    Answer, Call, CallConfig, Caller, CheckOption, EnrollmentRefusal, Evaluation, Event, Listening, Settings,
};
use engine::enroll::EnrollConfig;
use engine::score::{Claim, Decision, Score};
use engine::session::SessionConfig;
use engine::template::Template;
use zeroize::Zeroizing;

use super::journal::Journal;
use super::report;
use crate::analysis::Toolkit;
use crate::error::{Context, Result};
use crate::second::Stage;
use crate::watch::WatchIds;

/// How a [`Line`] is opened.
#[derive(Clone, Debug)]
pub struct LineOptions {
    /// The audio's rate.
    pub rate: SampleRate,
    /// How long to listen.
    pub listening: Listening,
    /// How to enrol during the call, where that is wanted.
    pub enrollment: Option<EnrollConfig>,
    /// The agent's side comes too.
    pub agent: bool,
    /// The operator's name for the session, as a rule the contact's id; the session's own id unless given.
    pub name: Option<SessionName>,
    /// Nobody asks for a decision before the end.
    pub at_end_only: bool,
}

/// The claimed speaker, as the domain knows them.
struct Speaker {
    id: Option<SpeakerId>,
    generated: Option<GeneratedSpeakerId>,
    claim: Claim,
}

/// A live call joined to a domain.
pub struct Line<'a> {
    /// The call.
    pub call: Call,
    domain: &'a Domain,
    model: ModelId,
    session: SessionId,
    name: SessionName,
    speaker: Speaker,
    watch: WatchIds,
    started: Timestamp,
    rate: SampleRate,
    journal: Journal,
    told: Option<Evaluation>,
    touched: Option<u64>,
    stage: Option<Stage>,
    calibration: String,
}

/// The bytes of two networks' templates for one voice, as [`Template::of_model`] reads them.
pub fn joined(first: &Template, second: &Template) -> Zeroizing<Vec<u8>> {
    let (first, second) = (first.to_bytes(), second.to_bytes());
    let mut bytes = Zeroizing::new(Vec::with_capacity(first.len() + second.len()));
    bytes.extend_from_slice(&first);
    bytes.extend_from_slice(&second);
    bytes
}

impl<'a> Line<'a> {
    /// Opens a line; nothing is heard before [`Line::set`] turns streaming on.
    ///
    /// # Errors
    /// The pipeline cannot be made, or the system gives no random bytes.
    pub fn open(tools: &Toolkit, domain: &'a Domain, options: LineOptions, journal: Journal) -> Result<Self> {
        let LineOptions { rate, listening, enrollment, agent, name, at_end_only } = options;
        let model = &tools.model;
        let mut config = CallConfig::new(SessionConfig::new(rate)).listening(listening).agent(agent);
        if let Some(enrollment) = enrollment {
            config = config.enrollment(enrollment);
        }
        let windows = enrollment.map(|_| model.embedder());
        let call = Call::new(config, model.embedder(), model.detector(), windows, Arc::clone(&tools.calibration))?;
        let stage = tools.second.as_ref().map(|s| Stage::new(Arc::clone(s), at_end_only));
        let call = match &stage {
            Some(stage) => stage.second().attach(call)?,
            None => call,
        };
        let session = SessionId::random()?;
        let name = match name {
            Some(name) => name,
            None => session.as_str().trim_start_matches("id#").parse().context("session name")?,
        };
        Ok(Self {
            call,
            domain,
            model: ModelId(model.id().0),
            session,
            name,
            speaker: Speaker { id: None, generated: None, claim: Claim::NotProvided },
            watch: WatchIds::default(),
            started: SystemClock.now(),
            rate,
            journal,
            told: None,
            touched: None,
            stage,
            calibration: tools.calibration.id().to_owned(),
        })
    }

    /// Whom the caller claims to be; the same one again changes nothing.
    ///
    /// # Errors
    /// The domain cannot be read, the voiceprint is another network's, or the speaker may not change any more.
    pub fn set_speaker(&mut self, id: Option<&SpeakerId>) -> Result<()> {
        if id.is_some() && id == self.speaker.id.as_ref() {
            return Ok(());
        }
        let mut deciding = None;
        let caller = match id {
            None => Caller::NotProvided,
            Some(id) => match self.domain.voiceprint(id) {
                Ok(Lookup::Enrolled(print)) => {
                    let of = |model| Template::of_model(print.template(), model).context("stored voiceprint");
                    if let Some(stage) = &self.stage {
                        let model = stage.second().model.id();
                        deciding = Some(of(model)?).filter(|t| t.model() == model);
                    }
                    Caller::Enrolled(Arc::new(of(self.call.session().model_id())?))
                }
                Ok(Lookup::NotEnrolled) | Err(StoreError::NotFound { .. }) => Caller::NotEnrolled,
                Ok(Lookup::OptedOut) => Caller::OptedOut,
                Ok(Lookup::Expired) => Caller::Expired,
                Err(e) => return Err(e.into()),
            },
        };
        let generated = match id.map(|id| self.domain.describe_speaker(id)) {
            Some(Ok(speaker)) => Some(speaker.generated_speaker_id),
            None | Some(Err(StoreError::NotFound { .. })) => None,
            Some(Err(e)) => return Err(e.into()),
        };
        let claim = caller.claim();
        self.call.set_caller(caller).context("stored voiceprint")?;
        self.speaker = Speaker { id: id.cloned(), generated, claim };
        if let Some(stage) = &mut self.stage {
            stage.set_template(deciding);
        }
        Ok(())
    }

    /// The Set block. `watch` names what `settings` watches.
    ///
    /// # Errors
    /// The watch list is another network's; nothing has changed then.
    pub fn set(&mut self, settings: Settings, watch: WatchIds) -> Result<()> {
        let before = self.call.settings().cloned();
        self.call.set(settings).context("watch list")?;
        self.watch = watch;
        if before.is_some() && before.as_ref() != self.call.settings() {
            self.emit(SessionAction::Update)?;
        }
        self.tell()
    }

    /// Writes what happened since the last time to the events, and tells the domain what it must know. To be called after
    /// every push.
    ///
    /// # Errors
    /// The events cannot be written, or the domain.
    pub fn tell(&mut self) -> Result<()> {
        let mut decided = false;
        if let Some(stage) = &mut self.stage {
            let before = stage.score();
            stage.follow(&self.call)?;
            decided = stage.score() != before;
        }
        while let Some(event) = self.call.next_event() {
            match event {
                Event::StreamingStarted { .. } | Event::StreamingEnded { .. } => {
                    self.emit(SessionAction::Start)?;
                }
                Event::Authentication { .. } | Event::SpeechSufficient { .. } => decided = true,
                Event::TalkerChanged { at } => {
                    self.journal.noticed(&self.frame(), "TALKER_CHANGED", self.time(at), None)?
                }
                Event::AgentBleed { at, level_db } => {
                    self.journal.noticed(&self.frame(), "AGENT_BLEED", self.time(at), Some(level_db))?
                }
                Event::SecureStarted { at } => {
                    self.journal.secure(&self.frame(), "SECURE_PASSAGE_STARTED", self.time(at))?
                }
                Event::SecureEnded { at } => {
                    self.journal.secure(&self.frame(), "SECURE_PASSAGE_ENDED", self.time(at))?
                }
                _ => {}
            }
        }
        if decided { self.evaluate().map(drop) } else { Ok(()) }
    }

    /// Ends the call.
    ///
    /// # Errors
    /// As [`Line::tell`].
    pub fn finish(&mut self) -> Result<()> {
        self.call.finish();
        if let Some(stage) = &mut self.stage {
            stage.finish(&self.call)?;
        }
        self.tell()
    }

    /// The answers as they stand, without telling anybody.
    pub fn now(&mut self) -> Evaluation {
        let now = self.call.evaluate();
        match &self.stage {
            Some(stage) => stage.decide(&self.call, self.speaker.claim, now),
            None => now,
        }
    }

    /// `CheckVoiceId`, of both stages.
    pub fn check(&mut self, option: CheckOption) -> Answer {
        let answer = self.call.check(option);
        let Some(stage) = self.stage.as_ref().filter(|s| s.decides()) else { return answer };
        let pending = stage.pending(&self.call);
        match (answer, self.now().authentication) {
            (Answer::Authentication(_), Some(_)) if pending => Answer::Wait,
            (Answer::Authentication(_), Some(auth)) => Answer::Authentication(auth.decision.branch()),
            (answer, _) => answer,
        }
    }

    /// `EvaluateSession`. A new answer is an event, and a successful authentication is noted in the domain.
    ///
    /// # Errors
    /// The events cannot be written, or the domain.
    pub fn evaluate(&mut self) -> Result<Evaluation> {
        let now = self.now();
        if let (Some(auth), Some(id)) = (now.authentication, &self.speaker.id)
            && auth.decision == Decision::Accept
            && self.touched != Some(auth.number)
        {
            self.domain.touch_authenticated(id)?;
            self.touched = Some(auth.number);
        }
        let numbers = |e: &Evaluation| (e.authentication.map(|a| a.number), e.fraud.map(|f| f.number));
        if self.told.as_ref().map(numbers) != Some(numbers(&now)) {
            self.journal.evaluated(&self.frame(), &self.report_of(now))?;
            self.told = Some(now);
        }
        Ok(now)
    }

    /// What `EvaluateSession` answers, with the contact record's block and what Voice ID does not tell.
    ///
    /// # Errors
    /// As [`Line::evaluate`].
    pub fn report(&mut self) -> Result<Report> {
        let now = self.evaluate()?;
        Ok(self.report_of(now))
    }

    /// Asks for the caller to be enrolled.
    ///
    /// # Errors
    /// Why that cannot be.
    pub fn enroll(&mut self) -> Result<()> {
        self.call.enroll()?;
        self.journal.enrollment_requested(&self.frame())
    }

    /// Makes the voiceprint and keeps it.
    ///
    /// # Errors
    /// The domain cannot be written. That the speech makes no voiceprint is the inner error.
    pub fn keep_voiceprint(
        &mut self,
        consent: Option<Consent>,
        overwrite: bool,
    ) -> Result<std::result::Result<(), EnrollmentRefusal>> {
        let Some(id) = self.speaker.id.clone() else { return Ok(Err(EnrollmentRefusal::NotRequested)) };
        let template = match self.call.finish_enrollment() {
            Ok(template) => template,
            Err(refusal) => {
                self.journal.not_enrolled(&self.frame(), refusal.code())?;
                return Ok(Err(refusal));
            }
        };
        let mut bytes = template.to_bytes();
        if let Some(stage) = &self.stage
            && let Some(second) = stage.enroll(&self.call, &template)?
        {
            bytes = joined(&template, &second);
        }
        let source = EnrolmentSource::Session(self.session.clone());
        let mut enrolment = Enrolment::new(self.model, &bytes).overwrite(overwrite).source(source);
        if let Some(consent) = consent {
            enrolment = enrolment.consent(consent);
        }
        let speaker = self.domain.put_voiceprint(&id, enrolment)?;
        self.speaker.generated = Some(speaker.generated_speaker_id);
        self.speaker.claim = Claim::Enrolled;
        self.journal.drain(self.domain)?;
        Ok(Ok(()))
    }

    /// Seals what was heard in the domain, for this many hours (24 unless given), and says how many seconds that is.
    ///
    /// # Errors
    /// The domain cannot be written.
    pub fn keep_audio(&self, audio: &SessionAudio, hours: Option<u32>) -> Result<f64> {
        if audio.samples().is_empty() {
            return Ok(0.0);
        }
        self.domain.keep_session_audio(&self.session, self.speaker.generated.as_ref(), audio, hours.unwrap_or(24))?;
        Ok(audio.samples().len() as f64 / f64::from(audio.rate_hz))
    }

    /// The session's id.
    pub fn session_id(&self) -> &SessionId {
        &self.session
    }

    fn time(&self, sample: u64) -> Timestamp {
        let ms = (sample as f64 * 1000.0 / f64::from(self.rate.hz())) as i64;
        Timestamp(self.started.0.saturating_add(ms))
    }

    fn frame(&self) -> Frame {
        Frame {
            domain_id: self.domain.id().to_string(),
            session_id: self.session.to_string(),
            session_name: self.name.as_str().to_owned(),
            generated_speaker_id: self.speaker.generated.as_ref().map(ToString::to_string),
        }
    }

    fn emit(&mut self, action: SessionAction) -> Result<()> {
        let now = self.now();
        let report = self.report_of(now);
        self.journal.session(&self.frame(), action, &report)
    }

    fn report_of(&self, e: Evaluation) -> Report {
        let customer = match &self.speaker.id {
            Some(SpeakerId::Customer(id)) => Some(id.as_str().to_owned()),
            _ => None,
        };
        report::report(&report::Facts {
            frame: self.frame(),
            customer,
            claim: self.speaker.claim,
            watch: &self.watch,
            min_speech_s: self
                .call
                .settings()
                .and_then(|s| s.authentication)
                .map_or(engine::score::AuthPolicy::MOST_MIN_SPEECH_S, |a| a.policy.min_speech_s()),
            standing: self.call.standing(),
            evaluation: e,
            time: &|sample| self.time(sample),
            stages: self.stages(),
        })
    }

    /// The stages with their scores, where there are two.
    fn stages(&self) -> Vec<wire::Stage> {
        let Some(stage) = self.stage.as_ref().filter(|s| s.decides()) else { return Vec::new() };
        let of = |model: String, calibration: String, score: Option<Score>, decides| wire::Stage {
            model_id: model,
            calibration_id: calibration,
            score: score.map(Score::value),
            decides,
        };
        let (first, second) = (self.call.session().model_id().to_string(), stage.second());
        vec![
            of(first, self.calibration.clone(), self.call.standing().score, false),
            of(second.model.id().to_string(), second.calibration.id().to_owned(), stage.score(), true),
        ]
    }

    /// Whom the caller claims to be, as the domain knew them when that was said.
    pub fn claim(&self) -> Claim {
        self.speaker.claim
    }
}
