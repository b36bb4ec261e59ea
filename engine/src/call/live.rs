//! A call: its state, what is asked of it and what is heard.

use std::sync::Arc;

use super::config::{CallConfig, CallError, Caller, FraudDetection, Settings, StreamingStatus, Watched};
use super::enrollment::Enrollment;
use super::event::{Event, Queue};
use super::result::{Aggregation, Cache};
use crate::audio::i16_to_f32;
use crate::bleed::{Bleed, BleedMeter};
use crate::codec::Codec;
use crate::embed::{Embedder, FRAMES_PER_SECOND, SpeechDetector};
use crate::error::InputError;
use crate::fbank::FbankConfig;
use crate::pieces;
use crate::quality::Band;
use crate::score::{AuthPolicy, Calibration, Decision, Score, ScoreKind, Side};
use crate::search::Scratch;
use crate::session::Session;
use crate::template::{Embedding, TemplateError};

/// What is known of the speech that a decision rests on.
pub(super) struct Snapshot {
    pub(super) embedding: Embedding,
    pub(super) net_frames: u64,
    /// The band that it was heard in.
    pub(super) band: Band,
    /// Counts the embeddings taken.
    pub(super) version: u64,
    pub(super) aggregation: Aggregation,
}

impl Snapshot {
    pub(super) fn net_speech_s(&self) -> f64 {
        self.net_frames as f64 / f64::from(FRAMES_PER_SECOND)
    }

    /// It as a side of a comparison; `None` before there is net speech.
    pub(super) fn side(&self) -> Option<Side> {
        Side::new(self.net_speech_s(), self.band).ok()
    }

    pub(super) fn clear(&mut self) {
        self.net_frames = 0;
        self.aggregation = Aggregation::default();
    }
}

/// A decision of the sequential test, which stands until the question changes.
#[derive(Clone, Copy)]
pub(super) struct Early {
    pub(super) decision: Decision,
    pub(super) score: Score,
    pub(super) net_frames: u64,
    pub(super) version: u64,
    pub(super) aggregation: Aggregation,
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
    pub(super) config: CallConfig,
    pub(super) session: Session,
    pub(super) calibration: Arc<Calibration>,
    pub(super) settings: Option<Settings>,
    pub(super) caller: Caller,
    pub(super) streaming: bool,
    pub(super) finished: bool,
    /// Everything asked has been heard, so nothing is listened to.
    pub(super) enough: bool,
    pub(super) secure: bool,
    pub(super) samples: u64,
    pub(super) ticks: u64,
    /// Samples that went by unheard since the session last had one.
    pub(super) unheard: u64,
    pub(super) silenced: u64,
    pub(super) snapshot: Snapshot,
    pub(super) values: Vec<f32>,
    pub(super) scratch: Scratch,
    pub(super) score: Option<Score>,
    pub(super) early: Option<Early>,
    pub(super) looks_done: usize,
    pub(super) enrollment: Enrollment,
    pub(super) agent: Option<BleedMeter>,
    pub(super) bleed_told: bool,
    pub(super) events: Queue,
    pub(super) auth_told: Option<Decision>,
    pub(super) speech_told: bool,
    pub(super) cache: Cache,
    pub(super) revision: Revision,
}

/// Counts what makes an earlier answer stale.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Revision {
    pub(super) stream: u64,
    pub(super) authentication: u64,
    pub(super) fraud: u64,
    pub(super) caller: u64,
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
            snapshot: Snapshot {
                embedding,
                net_frames: 0,
                band: Band::Narrow,
                version: 0,
                aggregation: Aggregation::default(),
            },
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

    pub(super) fn open(&self) -> Result<(), InputError> {
        if self.finished { Err(InputError::Finished) } else { Ok(()) }
    }

    pub(super) fn open_for_both(&self, caller: usize, agent: usize) -> Result<(), InputError> {
        self.open()?;
        match self.agent {
            None => Err(InputError::NoAgent),
            Some(_) if caller != agent => Err(InputError::Sides { caller, agent }),
            Some(_) => Ok(()),
        }
    }

    /// Net speech that a decision takes, in seconds.
    pub(super) fn min_speech_s(&self) -> f64 {
        let auth = self.settings.as_ref().and_then(|s| s.authentication);
        auth.map_or(AuthPolicy::MOST_MIN_SPEECH_S, |a| a.policy.min_speech_s())
    }
}
