//! The second of two stages: a network that does not follow a call but decides it.
//!
//! Our own network follows a call every 100 ms at a cost that telephony can bear. A larger one, imported into the domain with `vouch model import
//! ... --decides`, hears the net speech once, when there is enough of it, and once more when the call ends later than that: from frames
//! that the session keeps, at most [`KEPT_S`] seconds of them, on a thread of its own. What it says is the decision; both scores are told.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex};

use crate::error::{AppError, Context, Result, bail};
use engine::call::{Call, Evaluation};
use engine::enroll::{CoherenceLimits, EnrollConfig, Enroller, RecordingEvidence};
use engine::fbank::FbankConfig;
use engine::quality::Band;
use engine::score::{Calibration, Claim, Conditions, Score, Side, decide};
use engine::template::{Embedding, Template};
use models::{Model, calibration};

/// In a domain: the network that decides, where another one follows.
pub const SECOND_MODEL_FILE: &str = "second.vouch";
/// In a domain: the calibration of that network.
pub const SECOND_CALIBRATION_FILE: &str = "second.calibration.json";
/// Net speech that is kept for it, in seconds.
pub const KEPT_S: usize = 60;

/// Net speech that is to be heard, and where its embedding goes.
struct Work {
    frames: Vec<f32>,
    answer: SyncSender<Result<Option<Embedding>>>,
}

/// The network that decides, what its scores mean, and the threads that run it, for any number of calls.
pub struct Second {
    /// The network.
    pub model: Model,
    /// The meaning of its scores.
    pub calibration: Arc<Calibration>,
    fbank: FbankConfig,
    work: Sender<Work>,
}

/// What such a thread does, until nobody is left who could ask.
fn serve(model: &Model, work: &Mutex<Receiver<Work>>) {
    loop {
        let next = work.lock().map(|w| w.recv());
        let Ok(Ok(Work { frames, answer })) = next else { return };
        let embedding = model.embed_net_speech(&frames).map(|values| Embedding::new(model.id(), &values));
        // Nobody waits any more: nobody is told.
        _ = answer.send(embedding.transpose().map_err(Into::into));
    }
}

impl Second {
    /// That of a domain; `None` if it has none.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be, or the calibration belongs to another network.
    pub fn load(domain: &Path) -> Result<Option<Self>> {
        let path = domain.join(SECOND_MODEL_FILE);
        let name = || path.display().to_string();
        if !path.try_exists().with_context(name)? {
            return Ok(None);
        }
        let model = Model::from_bytes(&std::fs::read(&path).with_context(name)?).with_context(name)?;
        let path = domain.join(SECOND_CALIBRATION_FILE);
        let name = || path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{}: the network that decides needs a calibration; make one with `vouch calibrate`", path.display())
        })?;
        let calibration = calibration::parse(&text).with_context(name)?;
        Self::new(model, calibration, 1).with_context(name).map(Some)
    }

    /// Joins a network with its calibration, and starts so many threads for it.
    ///
    /// # Errors
    /// The calibration belongs to another network, the network hears what the first one hears, or there are no threads.
    pub fn new(model: Model, calibration: Calibration, threads: usize) -> Result<Self> {
        if calibration.model_id() != model.id() {
            bail!("the calibration belongs to model {}, not to {}", calibration.model_id(), model.id());
        }
        let Some(fbank) = model.embedder_for_files().fbank() else {
            bail!("model {} hears what the first network hears; it can follow a call itself", model.id());
        };
        let (work, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads.max(1) {
            let (model, queue) = (model.clone(), Arc::clone(&queue));
            let thread = std::thread::Builder::new().name("vouch-second".to_owned());
            thread.spawn(move || serve(&model, &queue)).context("a thread for the network that decides")?;
        }
        Ok(Self { model, calibration: Arc::new(calibration), fbank, work })
    }

    /// A call that keeps what this network is to hear.
    ///
    /// # Errors
    /// The filter bank cannot be.
    pub fn attach(&self, call: Call) -> Result<Call> {
        let frames = KEPT_S * engine::embed::FRAMES_PER_SECOND as usize;
        Ok(call.keeping(self.fbank.clone(), frames)?)
    }

    /// Has kept net speech heard; the answer is its embedding, or `None` if it is too little.
    fn ask(&self, frames: Vec<f32>) -> Result<Receiver<Result<Option<Embedding>>>> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.work.send(Work { frames, answer }).ok().context("the threads of the network that decides ended")?;
        Ok(answered)
    }

    /// A voiceprint of this network from recordings that the first network has made one of, which says whether they are of one person.
    ///
    /// # Errors
    /// There is no speech in them.
    pub fn enroll(evidence: impl IntoIterator<Item = RecordingEvidence>) -> Result<Template> {
        let limits = CoherenceLimits { least_agreement: -1.0, most_ratio: 1.0, ..CoherenceLimits::default() };
        let config =
            EnrollConfig::default().least_speech_s(1.0).min_snr_db(-20.0).max_clipped_share(1.0).limits(limits);
        let mut enroller = Enroller::new(config)?;
        for recording in evidence {
            enroller.add(recording)?;
        }
        enroller.finish().map_err(|e| AppError::new(format!("the network that decides: {e}")))
    }

    fn score(&self, template: &Template, embedding: &Embedding, probe: Side) -> Result<Score> {
        let conditions = Conditions { probe, enrol: template.side() };
        Ok(self.calibration.score(template.cosine(embedding)?, conditions)?)
    }
}

/// What the second network said, and of how much.
#[derive(Clone, Copy, Debug)]
struct Said {
    score: Option<Score>,
    frames: usize,
    net_speech_s: f64,
}

/// A question that is being answered on another thread.
struct Asked {
    frames: usize,
    side: Side,
    answer: Receiver<Result<Option<Embedding>>>,
}

/// The second stage of one call.
pub struct Stage {
    second: Arc<Second>,
    template: Option<Arc<Template>>,
    asked: Option<Asked>,
    said: Option<Said>,
    /// Nothing is asked before the end: nobody looks until then.
    at_end_only: bool,
    /// Counts the answers, so that a result has a new name when it changes.
    answers: u64,
}

impl Stage {
    /// Before anything was heard. `at_end_only`: nobody looks before the end, so nothing is asked before.
    pub fn new(second: Arc<Second>, at_end_only: bool) -> Self {
        Self { second, template: None, asked: None, said: None, at_end_only, answers: 0 }
    }

    /// Whom the caller claims to be; `None` without a voiceprint of this network, and then the first stage decides.
    pub fn set_template(&mut self, template: Option<Template>) {
        self.template = template.map(Arc::new);
        (self.asked, self.said) = (None, None);
    }

    /// The network.
    pub fn second(&self) -> &Second {
        &self.second
    }

    /// Whether this stage decides.
    pub fn decides(&self) -> bool {
        self.template.is_some()
    }

    /// Whether an answer is on its way, or due.
    pub fn pending(&self, call: &Call) -> bool {
        self.decides() && (self.asked.is_some() || (!self.at_end_only && self.due(call)))
    }

    /// The score, once there is one.
    pub fn score(&self) -> Option<Score> {
        self.said.and_then(|s| s.score)
    }

    fn ask(&mut self, call: &Call) -> Result<()> {
        let frames = call.session().kept().to_vec();
        let side = Side::new(call.standing().net_speech_s, Band::of(call.session().bandwidth_hz()))?;
        let count = frames.len();
        self.asked = Some(Asked { frames: count, side, answer: self.second.ask(frames)? });
        Ok(())
    }

    fn take(&mut self, embedding: Option<Embedding>, asked: &Asked) -> Result<()> {
        let Some(template) = self.template.clone() else { return Ok(()) };
        let score = embedding.map(|e| self.second.score(&template, &e, asked.side)).transpose()?;
        self.said = Some(Said { score, frames: asked.frames, net_speech_s: asked.side.net_speech_s() });
        self.answers += 1;
        Ok(())
    }

    /// Whether there is enough net speech for an answer that is not there yet.
    fn due(&self, call: &Call) -> bool {
        let policy = call.settings().and_then(|s| s.authentication).map(|a| a.policy);
        let before = self.said.map_or(0.0, |s| s.net_speech_s);
        policy.is_some_and(|p| before < p.min_speech_s() && call.standing().net_speech_s >= p.min_speech_s())
    }

    /// The kept net speech as a voiceprint of the same record as `first`; `None` if it is too little.
    ///
    /// # Errors
    /// The network gives no direction.
    pub fn enroll(&self, call: &Call, first: &Template) -> Result<Option<Template>> {
        let answer = self.second.ask(call.session().kept().to_vec())?;
        let embedding = answer.recv().ok().context("the threads of the network that decides ended")??;
        Ok(embedding.map(|e| Template::new(e, *first.record())).transpose()?)
    }

    /// Looks after a push whether there is something to ask, and whether an answer came. Never waits.
    ///
    /// # Errors
    /// The network cannot be run.
    pub fn follow(&mut self, call: &Call) -> Result<()> {
        if !self.decides() {
            return Ok(());
        }
        if !self.at_end_only && self.asked.is_none() && self.due(call) {
            self.ask(call)?;
        }
        let Some(asked) = self.asked.take() else { return Ok(()) };
        match asked.answer.try_recv() {
            Ok(answer) => self.take(answer?, &asked),
            Err(TryRecvError::Empty) => {
                self.asked = Some(asked);
                Ok(())
            }
            Err(TryRecvError::Disconnected) => bail!("the second network's thread ended without an answer"),
        }
    }

    /// Waits for what was asked, and asks once more if more net speech was kept since.
    ///
    /// # Errors
    /// As [`Stage::follow`].
    pub fn finish(&mut self, call: &Call) -> Result<()> {
        self.follow(call)?;
        self.wait()?;
        let more = self.said.is_some_and(|s| s.frames != call.session().kept().len());
        if self.decides() && (more || self.due(call)) {
            self.ask(call)?;
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let Some(asked) = self.asked.take() else { return Ok(()) };
        match asked.answer.recv() {
            Ok(answer) => self.take(answer?, &asked),
            Err(_) => bail!("the second network's thread ended without an answer"),
        }
    }

    /// The answers of a call as this stage has them: until it has said something there is no decision.
    pub fn decide(&self, call: &Call, claim: Claim, mut now: Evaluation) -> Evaluation {
        let policy = call.settings().and_then(|s| s.authentication).map(|a| a.policy);
        if let (true, Some(auth), Some(policy)) = (self.decides(), now.authentication.as_mut(), policy) {
            let (score, net_speech_s) = self.said.map_or((None, 0.0), |s| (s.score, s.net_speech_s));
            auth.decision = decide(claim, net_speech_s, score, policy);
            auth.score = score;
            auth.early = false;
            // Numbers of the first stage are small; those of the two together never meet.
            auth.number = auth.number.wrapping_mul(1 << 20).wrapping_add(self.answers);
            if self.said.is_some() {
                auth.net_speech_s = net_speech_s;
            }
        }
        now
    }
}
