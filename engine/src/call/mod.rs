//! One call as it happens: what Voice ID's Set and Check blocks configure and answer, on a live stream.
//!
//! A [`Call`] owns a [`Session`] and asks it after every 100 ms of audio, counted from the start of the stream, how far it has
//! come. What is decided therefore depends on the audio and not on the packets that it came in.
//!
//! | Voice ID | here |
//! | --- | --- |
//! | Set Voice ID | [`Call::set`] |
//! | contact attribute `CustomerId` | [`Call::set_caller`] |
//! | Check Voice ID | [`Call::check`] |
//! | `EvaluateSession` | [`Call::evaluate`] |
//! | enrol from the agent's panel | [`Call::enroll`], [`Call::finish_enrollment`] |
//! | a new stream in the same contact | [`Call::restart`] |
//!
//! Ids and clocks are the host's: results carry a number that changes exactly when Voice ID's result id would, and times are
//! sample positions.

mod config;
mod enrollment;
mod event;
mod result;

use std::sync::Arc;

pub use config::{
    Authentication, CallConfig, CallError, Caller, FraudDetection, Listening, Settings, StreamingStatus, WatchList,
    Watched,
};
pub use enrollment::{EnrollmentProgress, EnrollmentRefusal};
pub use event::Event;
pub use result::{
    Aggregation, Answer, AuthenticationResult, CheckOption, EnrollmentBranch, Evaluation, FraudResult, Reason, Reasons,
};

use crate::audio::i16_to_f32;
use crate::bleed::{Bleed, BleedMeter};
use crate::codec::Codec;
use crate::embed::{Embedder, FRAMES_PER_SECOND, SpeechDetector};
use crate::error::InputError;
use crate::fbank::FbankConfig;
use crate::pieces;
use crate::score::{AuthPolicy, Calibration, Claim, Conditions, Cosine, Decision, Score, ScoreKind, decide};
use crate::search::Scratch;
use crate::session::Session;
use crate::template::{Embedding, TemplateError};
use enrollment::Enrollment;
use event::Queue;
use result::Cache;

/// Ticks per second of audio.
const TICKS_PER_SECOND: u64 = 10;

/// What is known of the speech that a decision rests on.
struct Snapshot {
    embedding: Embedding,
    net_frames: u64,
    /// Counts the embeddings taken.
    version: u64,
    aggregation: Aggregation,
}

impl Snapshot {
    fn net_speech_s(&self) -> f64 {
        self.net_frames as f64 / f64::from(FRAMES_PER_SECOND)
    }

    fn clear(&mut self) {
        self.net_frames = 0;
        self.aggregation = Aggregation::default();
    }
}

/// A decision of the sequential test, which stands until the question changes.
#[derive(Clone, Copy)]
struct Early {
    decision: Decision,
    score: Score,
    net_frames: u64,
    version: u64,
    aggregation: Aggregation,
}

/// How a call stands, after the latest tick.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Standing {
    /// Samples taken so far, at the stream's rate.
    pub samples: u64,
    /// Net speech that a decision would rest on, in seconds.
    pub net_speech_s: f64,
    /// Net speech still needed for a decision, in seconds.
    pub missing_s: f64,
    /// Score of the caller against the claimed speaker, whether or not there is speech enough; `None` without a voiceprint or
    /// without speech.
    pub score: Option<Score>,
    /// Whether the call is heard.
    pub status: StreamingStatus,
}

/// A call: a stream, what is asked about it, and the answers.
///
/// `Send`, for one thread at a time. After construction `push*`, [`Call::next_event`], [`Call::standing`], [`Call::check`],
/// [`Call::evaluate`] and [`Call::reset`] do not allocate, lock, block or panic; `check` and `evaluate` of a fraud detection take
/// time that grows with the watch list.
pub struct Call {
    config: CallConfig,
    session: Session,
    calibration: Arc<Calibration>,
    settings: Option<Settings>,
    caller: Caller,
    streaming: bool,
    finished: bool,
    /// Everything asked has been heard, so nothing is listened to.
    enough: bool,
    secure: bool,
    samples: u64,
    ticks: u64,
    /// Samples that went by unheard since the session last had one.
    unheard: u64,
    silenced: u64,
    snapshot: Snapshot,
    values: Vec<f32>,
    scratch: Scratch,
    score: Option<Score>,
    early: Option<Early>,
    looks_done: usize,
    enrollment: Enrollment,
    agent: Option<BleedMeter>,
    bleed_told: bool,
    events: Queue,
    auth_told: Option<Decision>,
    speech_told: bool,
    cache: Cache,
    revision: Revision,
}

/// Counts what makes an earlier answer stale.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Revision {
    stream: u64,
    authentication: u64,
    fraud: u64,
    caller: u64,
}

impl Call {
    /// Allocates everything. `window_embedder` is needed exactly where `config` allows enrolment.
    ///
    /// # Errors
    /// [`CallError::Config`] as [`Session::new`], [`CallError::Enrollment`] for a setting out of range,
    /// [`CallError::OtherModel`] when the calibration is another network's, [`CallError::Calibration`] when it was not fitted on
    /// cosines, [`CallError::Windows`] when `window_embedder` and
    /// `config` do not match.
    pub fn new(
        config: CallConfig,
        embedder: Box<dyn Embedder>,
        detector: Box<dyn SpeechDetector>,
        window_embedder: Option<Box<dyn Embedder>>,
        calibration: Arc<Calibration>,
    ) -> Result<Self, CallError> {
        let (model, dim) = (embedder.model_id(), embedder.dim());
        if calibration.model_id() != model {
            return Err(CallError::OtherModel { expected: model, found: calibration.model_id() });
        }
        if calibration.kind() != ScoreKind::Cosine {
            return Err(CallError::Calibration { kind: calibration.kind() });
        }
        let enrollment = Enrollment::new(config.enrollment, dim)?;
        let session = match (window_embedder, config.enrollment.is_some()) {
            (Some(windows), true) => Session::with_windows(config.session, embedder, detector, windows),
            (None, false) => Session::new(config.session, embedder, detector),
            _ => return Err(CallError::Windows),
        }
        .map_err(CallError::Config)?;
        let agent = config.agent.then(|| BleedMeter::new(session.rate()));
        let mut direction = vec![0.0; dim];
        direction.iter_mut().take(1).for_each(|x| *x = 1.0);
        let embedding = Embedding::new(model, &direction).map_err(CallError::Embedding)?;
        Ok(Self {
            config,
            session,
            calibration,
            settings: None,
            caller: Caller::NotProvided,
            streaming: false,
            finished: false,
            enough: false,
            secure: false,
            samples: 0,
            ticks: 0,
            unheard: 0,
            silenced: 0,
            snapshot: Snapshot { embedding, net_frames: 0, version: 0, aggregation: Aggregation::default() },
            values: vec![0.0; dim],
            scratch: Scratch::new(dim),
            score: None,
            early: None,
            looks_done: 0,
            enrollment,
            agent,
            bleed_told: false,
            events: Queue::new(),
            auth_told: None,
            speech_told: false,
            cache: Cache::default(),
            revision: Revision::default(),
        })
    }

    /// As [`Session::keeping`].
    ///
    /// # Errors
    /// As [`Session::keeping`].
    pub fn keeping(mut self, fbank: FbankConfig, most_frames: usize) -> Result<Self, CallError> {
        self.session = self.session.keeping(fbank, most_frames).map_err(CallError::Config)?;
        Ok(self)
    }

    /// The Set block: all of it takes effect or nothing.
    ///
    /// Streaming is a latch: once on, a later `settings.streaming` of `false` leaves it on. What is `None` is off.
    ///
    /// # Errors
    /// [`CallError::OtherModel`] for a watch list of another network.
    pub fn set(&mut self, settings: Settings) -> Result<(), CallError> {
        if let Some(FraudDetection { watched: Watched::List(list), .. }) = &settings.fraud
            && list.model() != self.session.model_id()
        {
            return Err(CallError::OtherModel { expected: self.session.model_id(), found: list.model() });
        }
        if let Some(FraudDetection { watched: Watched::List(list), .. }) = &settings.fraud
            && list.index().dim() != self.values.len()
        {
            let (expected, found) = (self.values.len(), list.index().dim());
            return Err(CallError::Embedding(TemplateError::OtherDim { expected, found }));
        }
        let old = self.settings.as_ref();
        let authentication_changed = old.and_then(|s| s.authentication) != settings.authentication;
        let fraud_changed = old.and_then(|s| s.fraud.as_ref()) != settings.fraud.as_ref();
        if authentication_changed {
            self.revision.authentication += 1;
            self.forget_early();
        }
        if fraud_changed {
            self.revision.fraud += 1;
        }
        if settings.streaming && !self.streaming {
            self.streaming = true;
            if !self.finished {
                self.events.put(Event::StreamingStarted { at: self.samples });
            }
        }
        self.settings = Some(settings);
        self.score = self.score_now();
        self.reconsider();
        self.tell();
        Ok(())
    }

    /// What is configured; `None` before the first [`Call::set`].
    pub fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    /// Whom the caller claims to be, as the domain knows them. Each call of it is another speaker: do not repeat it for the
    /// same one.
    ///
    /// # Errors
    /// [`CallError::OtherModel`] for a voiceprint of another network, [`CallError::SpeakerAfterEnrollment`] once this call
    /// has begun to enrol one.
    pub fn set_caller(&mut self, caller: Caller) -> Result<(), CallError> {
        if self.enrollment.requested() {
            return Err(CallError::SpeakerAfterEnrollment);
        }
        if let Caller::Enrolled(template) = &caller {
            if template.model() != self.session.model_id() {
                return Err(CallError::OtherModel { expected: self.session.model_id(), found: template.model() });
            }
            template.cosine(&self.snapshot.embedding).map_err(CallError::Embedding)?;
        }
        self.caller = caller;
        self.revision.caller += 1;
        self.forget_early();
        self.score = self.score_now();
        self.reconsider();
        self.tell();
        Ok(())
    }

    /// Takes samples on the scale of +-1.0, any number of them.
    ///
    /// # Errors
    /// A sample is not finite or beyond [`crate::audio::MAX_SAMPLE`], or the call has ended; nothing is taken then.
    pub fn push(&mut self, samples: &[f32]) -> Result<Standing, InputError> {
        self.open()?;
        pieces::check(samples)?;
        self.take(samples, None)?;
        Ok(self.standing())
    }

    /// Takes the caller's samples, and what the agent said meanwhile. Only the caller's side is listened to; the agent's is compared with it,
    /// to notice where it is heard there too ([`Call::bleed`]).
    ///
    /// # Errors
    /// As [`Call::push`], for either side; [`InputError::NoAgent`] unless [`CallConfig::agent`] was set; [`InputError::Sides`] when the sides are not
    /// equally long. Nothing is taken then.
    pub fn push_both(&mut self, caller: &[f32], agent: &[f32]) -> Result<Standing, InputError> {
        self.open_for_both(caller.len(), agent.len())?;
        pieces::check(caller)?;
        pieces::check(agent)?;
        self.take(caller, Some(agent))?;
        Ok(self.standing())
    }

    /// As [`Call::push_both`], 16-bit samples.
    ///
    /// # Errors
    /// As [`Call::push_both`].
    pub fn push_both_i16(&mut self, caller: &[i16], agent: &[i16]) -> Result<Standing, InputError> {
        self.open_for_both(caller.len(), agent.len())?;
        let mut block = [0.0; pieces::PIECE_SAMPLES];
        for (caller, agent) in caller.chunks(block.len()).zip(agent.chunks(block.len())) {
            block.iter_mut().zip(agent).for_each(|(b, &s)| *b = i16_to_f32(s));
            let agent = &block[..agent.len()];
            pieces::from_i16(caller, |piece| self.take(piece, Some(agent)))?;
        }
        Ok(self.standing())
    }

    /// Takes 16-bit samples.
    ///
    /// # Errors
    /// The call has ended.
    pub fn push_i16(&mut self, samples: &[i16]) -> Result<Standing, InputError> {
        self.open()?;
        pieces::from_i16(samples, |piece| self.take(piece, None))?;
        Ok(self.standing())
    }

    /// Takes the payload of one packet, at most [`crate::session::MAX_PACKET_SAMPLES`] samples.
    ///
    /// # Errors
    /// The payload cannot be, or is too long, or the call has ended; nothing is taken then.
    pub fn push_packet(&mut self, codec: Codec, payload: &[u8]) -> Result<Standing, InputError> {
        self.open()?;
        pieces::from_packet(codec, payload, |piece| self.take(piece, None))?;
        Ok(self.standing())
    }

    /// Tells that `samples` samples were lost. They are no speech, and the clock goes on.
    ///
    /// # Errors
    /// The call has ended.
    pub fn push_lost(&mut self, samples: usize) -> Result<Standing, InputError> {
        self.open()?;
        self.advance(samples, |call, _, n| call.session.push_lost(n).map(drop))?;
        Ok(self.standing())
    }

    /// Ends the call: what waited for look-ahead is finished, and what has not been decided by now never will be.
    pub fn finish(&mut self) -> Standing {
        if !self.finished {
            if self.status() == StreamingStatus::Ongoing {
                self.session.finish();
                // What the network held back for look-ahead is in the embedding now, whether or not there is more net speech.
                self.hear_tick(true);
            }
            self.finished = true;
            self.tell();
            if self.streaming && !self.enough {
                self.events.put(Event::StreamingEnded { at: self.samples, enough: false });
            }
        }
        self.standing()
    }

    /// A new stream in the same call: what was heard is forgotten, what is configured stays.
    ///
    /// # Errors
    /// [`CallError::AnotherActiveStream`] while one is heard.
    pub fn restart(&mut self) -> Result<(), CallError> {
        if self.status() == StreamingStatus::Ongoing {
            return Err(CallError::AnotherActiveStream);
        }
        self.forget_stream();
        self.revision.stream += 1;
        if self.streaming {
            self.events.put(Event::StreamingStarted { at: self.samples });
        }
        self.reconsider();
        Ok(())
    }

    /// Back to the state after construction, ready for another call.
    pub fn reset(&mut self) {
        self.forget_stream();
        self.settings = None;
        self.caller = Caller::NotProvided;
        self.streaming = false;
        self.secure = false;
        (self.samples, self.ticks, self.silenced) = (0, 0, 0);
        self.enrollment.reset();
        self.events.clear();
        self.cache = Cache::default();
        self.revision = Revision::default();
    }

    /// Whether the call is heard.
    pub fn status(&self) -> StreamingStatus {
        if self.finished || (self.streaming && self.enough) {
            StreamingStatus::Ended
        } else if self.streaming {
            StreamingStatus::Ongoing
        } else {
            StreamingStatus::PendingConfiguration
        }
    }

    /// How the call stands.
    pub fn standing(&self) -> Standing {
        let net_speech_s = self.early.map_or(self.snapshot.net_speech_s(), |e| {
            (e.net_frames.max(self.snapshot.net_frames)) as f64 / f64::from(FRAMES_PER_SECOND)
        });
        let missing_s = if self.early.is_some() { 0.0 } else { (self.min_speech_s() - net_speech_s).max(0.0) };
        let score = self.early.map(|e| e.score).or(self.score);
        Standing { samples: self.samples, net_speech_s, missing_s, score, status: self.status() }
    }

    /// The oldest event that was not taken yet.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.take()
    }

    /// Events that were dropped because nobody took them.
    pub fn events_dropped(&self) -> u64 {
        self.events.dropped()
    }

    /// How the agent is heard in the caller's channel; `None` while that was not noticed.
    pub fn bleed(&self) -> Option<Bleed> {
        self.agent.as_ref()?.bleed()
    }

    /// The pipeline: levels, keys, windows. Its clock stands still while nothing is heard.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Begins a secure passage: until it ends the audio that is pushed reaches neither voiceprint nor score nor key detector.
    /// Silence stands for it.
    pub fn begin_secure(&mut self) {
        if !self.secure {
            self.secure = true;
            self.events.put(Event::SecureStarted { at: self.samples });
        }
    }

    /// Ends a secure passage.
    pub fn end_secure(&mut self) {
        if self.secure {
            self.secure = false;
            self.events.put(Event::SecureEnded { at: self.samples });
        }
    }

    /// Whether a secure passage is going on.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Samples that were pushed during secure passages.
    pub fn silenced_samples(&self) -> u64 {
        self.silenced
    }

    fn open(&self) -> Result<(), InputError> {
        if self.finished { Err(InputError::Finished) } else { Ok(()) }
    }

    fn open_for_both(&self, caller: usize, agent: usize) -> Result<(), InputError> {
        self.open()?;
        match self.agent {
            None => Err(InputError::NoAgent),
            Some(_) if caller != agent => Err(InputError::Sides { caller, agent }),
            Some(_) => Ok(()),
        }
    }

    /// Net speech that a decision takes, in seconds.
    fn min_speech_s(&self) -> f64 {
        let auth = self.settings.as_ref().and_then(|s| s.authentication);
        auth.map_or(AuthPolicy::MOST_MIN_SPEECH_S, |a| a.policy.min_speech_s())
    }

    fn take(&mut self, samples: &[f32], agent: Option<&[f32]>) -> Result<(), InputError> {
        if self.secure {
            self.silenced += samples.len() as u64;
        }
        self.advance(samples.len(), |call, from, n| {
            let part = samples.get(from..from + n).unwrap_or_default();
            if call.secure {
                return call.session.push_lost(n).map(drop);
            }
            if let (Some(meter), Some(agent)) = (&mut call.agent, agent) {
                meter.push(agent.get(from..from + n).unwrap_or_default(), part);
            }
            call.session.push(part).map(drop)
        })
    }

    /// Goes on by `samples` samples, handing them to `hear` in parts that end with ticks.
    fn advance(
        &mut self,
        samples: usize,
        mut hear: impl FnMut(&mut Self, usize, usize) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        let rate = u64::from(self.session.rate().hz());
        let mut from = 0;
        while from < samples {
            let next = ((self.ticks + 1) * rate).div_ceil(TICKS_PER_SECOND);
            let n = usize::try_from(next - self.samples).unwrap_or(usize::MAX).min(samples - from);
            if self.status() == StreamingStatus::Ongoing {
                if self.unheard > 0 {
                    // A second is more than any network's memory.
                    let gap = self.unheard.min(rate);
                    self.unheard = 0;
                    self.session.push_lost(gap as usize)?;
                }
                hear(self, from, n)?;
            } else if self.session.progress().samples > 0 {
                self.unheard += n as u64;
            }
            from += n;
            self.samples += n as u64;
            if self.samples == next {
                self.ticks += 1;
                if self.status() == StreamingStatus::Ongoing {
                    self.hear_tick(false);
                    self.tell();
                    self.reconsider();
                }
            }
        }
        Ok(())
    }

    /// Whether the snapshot is final under the present settings.
    fn frozen(&self) -> bool {
        self.config.listening == Listening::UntilEnough && self.snapshot.net_speech_s() >= self.min_speech_s()
    }

    fn hear_tick(&mut self, last: bool) {
        let net_frames = self.session.progress().net_speech_frames;
        self.enrollment.hear(net_frames, self.samples, &mut self.events);
        self.enrollment.look(self.session.windows(), self.samples, &mut self.events);
        let news = last || net_frames != self.snapshot.net_frames;
        if self.frozen() || !news || !self.session.embedding(&mut self.values) {
            return;
        }
        // A vector without a direction says nothing; the snapshot stays what it was.
        if self.snapshot.embedding.replace(&self.values).is_ok() {
            let a = &mut self.snapshot.aggregation;
            a.started_at.get_or_insert(self.samples);
            a.ended_at = Some(self.samples);
            self.snapshot.net_frames = net_frames;
            self.snapshot.version += 1;
            self.score = self.score_now();
            self.look();
        }
    }

    /// The score of the snapshot; with early decisions it carries the price of the looks taken before it.
    fn score_now(&self) -> Option<Score> {
        let auth = self.settings.as_ref().and_then(|s| s.authentication);
        let share = auth.filter(|a| a.early).map_or(1.0, |a| config::final_share(a.policy.min_speech_s()));
        self.score_with(share)
    }

    /// The snapshot beside the claimed speaker's voiceprint.
    fn comparison(&self) -> Option<(Cosine, Conditions)> {
        let Caller::Enrolled(template) = &self.caller else { return None };
        let cosine = template.cosine(&self.snapshot.embedding).ok()?;
        Some((cosine, Conditions::new(self.snapshot.net_speech_s(), template.net_speech_s()).ok()?))
    }

    /// The score of the snapshot when the test at hand may spend this share of the false match rate.
    fn score_with(&self, share: f64) -> Option<Score> {
        let (cosine, conditions) = self.comparison()?;
        let score = self.calibration.score(cosine, conditions).ok()?;
        if share >= 1.0 {
            return Some(score);
        }
        let fmr = self.calibration.fmr(cosine, conditions).ok()?;
        Score::new((fmr / share).min(1.0), score.extrapolated()).ok()
    }

    /// The sequential test: clear cases are decided before the response time.
    fn look(&mut self) {
        let Some(auth) = self.settings.as_ref().and_then(|s| s.authentication).filter(|a| a.early) else { return };
        let (policy, net_s) = (auth.policy, self.snapshot.net_speech_s());
        if self.early.is_some() || net_s >= policy.min_speech_s() {
            return;
        }
        let due = config::looks(policy.min_speech_s()).filter(|&at| net_s >= at).count();
        if due <= self.looks_done {
            return;
        }
        self.looks_done = due;
        let Some((cosine, conditions)) = self.comparison() else { return };
        let Some(score) = self.score_with(config::LOOK_SHARE) else { return };
        let decision = if score.reaches(policy.threshold()) {
            Decision::Accept
        } else {
            match self.calibration.llr(cosine, conditions) {
                Ok(llr) if llr.value() <= config::EARLY_REJECT_LLR => Decision::Reject,
                _ => return,
            }
        };
        let Snapshot { net_frames, version, aggregation, .. } = self.snapshot;
        self.early = Some(Early { decision, score, net_frames, version, aggregation });
        self.score = Some(score);
    }

    fn claim(&self) -> Claim {
        self.caller.claim()
    }

    /// Decision and score, as they stand.
    fn decision(&self, policy: AuthPolicy) -> (Decision, Option<Score>) {
        match self.early {
            Some(e) => (e.decision, Some(e.score)),
            None => (decide(self.claim(), self.snapshot.net_speech_s(), self.score, policy), self.score),
        }
    }

    /// Tells of decisions that are new.
    fn tell(&mut self) {
        let at = self.samples;
        if let Some(auth) = self.settings.as_ref().and_then(|s| s.authentication) {
            let (decision, score) = self.decision(auth.policy);
            let decided = matches!(decision, Decision::Accept | Decision::Reject);
            if self.auth_told != Some(decision) && (decided || self.finished) {
                self.auth_told = Some(decision);
                let early = self.early.is_some();
                self.events.put(Event::Authentication { at, decision, score: score.filter(|_| decided), early });
            }
        }
        if !self.bleed_told
            && let Some(bleed) = self.bleed()
        {
            self.bleed_told = true;
            self.events.put(Event::AgentBleed { at, level_db: bleed.level_db });
        }
        if !self.speech_told && self.snapshot.net_speech_s() >= self.min_speech_s() {
            self.speech_told = true;
            self.events.put(Event::SpeechSufficient { at });
        }
    }

    /// Stops listening once everything asked has been heard, and goes on when more is asked.
    fn reconsider(&mut self) {
        let Some(settings) = &self.settings else { return };
        let heard = self.snapshot.net_speech_s() >= self.min_speech_s();
        let authenticated = settings.authentication.is_none_or(|_| heard || self.early.is_some());
        let searched = settings.fraud.as_ref().is_none_or(|_| heard);
        let asked = settings.authentication.is_some() || settings.fraud.is_some() || self.enrollment.requested();
        let enough = self.config.listening == Listening::UntilEnough
            && asked
            && authenticated
            && searched
            && self.enrollment.satisfied();
        if enough == self.enough || !self.streaming || self.finished {
            self.enough = enough;
            return;
        }
        self.enough = enough;
        let at = self.samples;
        self.events.put(match enough {
            true => Event::StreamingEnded { at, enough },
            false => Event::StreamingStarted { at },
        });
    }

    /// The question changed, so the sequential test begins anew, with the looks that lie ahead.
    fn forget_early(&mut self) {
        self.early = None;
        self.auth_told = None;
    }

    fn forget_stream(&mut self) {
        self.session.reset();
        self.snapshot.clear();
        self.finished = false;
        self.enough = false;
        self.unheard = 0;
        self.score = None;
        self.early = None;
        self.looks_done = 0;
        self.auth_told = None;
        self.speech_told = false;
        self.bleed_told = false;
        self.agent.iter_mut().for_each(BleedMeter::reset);
        self.enrollment.forget_stream();
    }
}
