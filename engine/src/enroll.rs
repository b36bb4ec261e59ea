//! From recordings of one person to a [`Template`], or to the reasons why not.
//!
//! A bad reference cannot be repaired later, so enrolment says what is wrong with which recording and how many seconds are
//! missing. Every recording weighs the same in the reference, whatever its length: its embedding is scaled to unit norm
//! first, so that one long call does not drown the others.

use std::fmt;

use zeroize::Zeroizing;

use crate::embed::MODEL_RATE_HZ;
use crate::template::{Embedding, MAX_NET_SPEECH_SAMPLES, MAX_RECORDINGS, Template, TemplateError, TemplateRecord};

mod change;
mod coherence;

pub use change::{ChangeFinder, TalkerChange};
pub use coherence::{Coherence, CoherenceError, coherence};

/// When recordings are taken to be of more than one person.
///
/// `most_ratio` of the defaults is fitted on people whom the shipped network never heard, 8 to 14 windows each (`benches/src/bin/coherence.rs`): 1.5 %
/// of enrolments of one voice are refused and 84 % of those of two. The others are first values; fit them with [`coherence`] and
/// [`Assessment::agreement`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CoherenceLimits {
    /// Least cosine between a recording and the mean of the others, were both endless.
    pub least_agreement: f32,
    /// Net speech at which an embedding is half noise, in seconds: the least cosine falls by
    /// `1 / sqrt(1 + s / net speech)` for either side.
    pub noise_speech_s: f64,
    /// Fewest windows that are judged; a recording with fewer is not split.
    pub least_windows: usize,
    /// Least share of windows that makes a second voice, also in a [`ChangeFinder`]'s change.
    pub least_share: f32,
    /// Greatest [`Coherence::ratio`] that makes a second voice.
    pub most_ratio: f32,
}

impl Default for CoherenceLimits {
    fn default() -> Self {
        Self { least_agreement: 0.35, noise_speech_s: 1.0, least_windows: 6, least_share: 0.15, most_ratio: 0.55 }
    }
}

/// What an enrolment asks of its recordings. Checked by [`Enroller::new`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EnrollConfig {
    wanted_speech_s: f64,
    least_speech_s: f64,
    min_snr_db: f32,
    max_clipped_share: f32,
    limits: CoherenceLimits,
}

impl Default for EnrollConfig {
    /// 30 s of net speech wanted, 12 s at least, 6 dB of signal over noise, at most 5 % clipped samples.
    fn default() -> Self {
        Self {
            wanted_speech_s: 30.0,
            least_speech_s: 12.0,
            min_snr_db: 6.0,
            max_clipped_share: 0.05,
            limits: CoherenceLimits::default(),
        }
    }
}

impl EnrollConfig {
    /// Sets the net speech wanted, in seconds, 1 to 3600. With less an enrolment is accepted with a warning.
    pub fn wanted_speech_s(self, wanted_speech_s: f64) -> Self {
        Self { wanted_speech_s, ..self }
    }

    /// Sets the net speech without which an enrolment is refused, in seconds, 1 to what is wanted.
    pub fn least_speech_s(self, least_speech_s: f64) -> Self {
        Self { least_speech_s, ..self }
    }

    /// Sets the signal-to-noise ratio that every recording must have, in dB, -20 to 60.
    pub fn min_snr_db(self, min_snr_db: f32) -> Self {
        Self { min_snr_db, ..self }
    }

    /// Sets the greatest share of clipped samples that a recording may have, 0 to 1.
    pub fn max_clipped_share(self, max_clipped_share: f32) -> Self {
        Self { max_clipped_share, ..self }
    }

    /// Sets when recordings are taken to be of more than one person.
    pub fn limits(self, limits: CoherenceLimits) -> Self {
        Self { limits, ..self }
    }

    /// When recordings are taken to be of more than one person.
    pub fn coherence_limits(&self) -> CoherenceLimits {
        self.limits
    }

    /// The net speech wanted, in seconds.
    pub fn wanted_s(&self) -> f64 {
        self.wanted_speech_s
    }

    fn check(&self) -> Result<(), EnrollConfigError> {
        let within = |name: &'static str, value: f64, least: f64, most: f64| {
            let ok = (least..=most).contains(&value);
            if ok { Ok(()) } else { Err(EnrollConfigError { name, value, least, most }) }
        };
        let l = &self.limits;
        within("wanted speech", self.wanted_speech_s, 1.0, 3600.0)?;
        within("least speech", self.least_speech_s, 1.0, self.wanted_speech_s)?;
        within("least signal-to-noise ratio", self.min_snr_db.into(), -20.0, 60.0)?;
        within("greatest clipped share", self.max_clipped_share.into(), 0.0, 1.0)?;
        within("least agreement", l.least_agreement.into(), -1.0, 1.0)?;
        within("noise speech", l.noise_speech_s, 0.0, 60.0)?;
        within("fewest windows", l.least_windows as f64, Coherence::LEAST_WINDOWS as f64, 1e6)?;
        within("least share", l.least_share.into(), 0.0, 0.5)?;
        within("greatest ratio", l.most_ratio.into(), -1.0, 1.0)
    }
}

/// A setting that is out of range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EnrollConfigError {
    name: &'static str,
    value: f64,
    least: f64,
    most: f64,
}

impl fmt::Display for EnrollConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not within {} to {}", self.name, self.value, self.least, self.most)
    }
}

impl std::error::Error for EnrollConfigError {}

/// What one recording gives to an enrolment.
#[derive(Clone, Debug)]
pub struct RecordingEvidence {
    /// Embedding of its speech; `None` when it has none.
    pub embedding: Option<Embedding>,
    /// Embeddings of consecutive windows of about 1.5 s of net speech each, `(windows, dim)`, row-major; may be empty.
    pub windows: Zeroizing<Vec<f32>>,
    /// Net speech, in seconds.
    pub net_speech_s: f64,
    /// Signal-to-noise ratio in dB; `None` when it could not be measured, and then not judged.
    pub snr_db: Option<f32>,
    /// Share of clipped samples, 0 to 1.
    pub clipped_share: f32,
    /// Bandwidth, in Hz.
    pub bandwidth_hz: f32,
}

impl RecordingEvidence {
    fn has_speech(&self) -> bool {
        self.embedding.is_some() && self.net_speech_samples() > 0
    }

    fn net_speech_samples(&self) -> u64 {
        // Range-checked in `add`, so the cast is exact.
        (self.net_speech_s * f64::from(MODEL_RATE_HZ)).round() as u64
    }
}

/// Why a recording could not be added. The enrolment is as it was before.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum EnrollError {
    /// More than [`MAX_RECORDINGS`].
    TooManyRecordings,
    /// The embedding is of another network or length than the recordings before.
    Embedding(TemplateError),
    /// The windows are not a whole number of finite vectors with a direction.
    Windows(CoherenceError),
    /// A number is out of range.
    Evidence {
        /// Which.
        name: &'static str,
    },
}

impl fmt::Display for EnrollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRecordings => write!(f, "more than {MAX_RECORDINGS} recordings"),
            Self::Embedding(e) => e.fmt(f),
            Self::Windows(e) => e.fmt(f),
            Self::Evidence { name } => write!(f, "{name} of the recording is out of range"),
        }
    }
}

impl std::error::Error for EnrollError {}

/// Why recordings make no voiceprint; `Display` begins with [`RefusalReason::code`]. Recordings count from 0 here and
/// from 1 in texts.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum RefusalReason {
    /// No recording has any speech.
    Silence,
    /// Not enough net speech.
    TooLittleSpeech {
        /// What there is, in seconds.
        have_s: f64,
        /// What there must be, in seconds.
        least_s: f64,
        /// What is missing, in seconds.
        missing_s: f64,
    },
    /// A recording is too noisy.
    Noise {
        /// Which.
        recording: usize,
        /// Its signal-to-noise ratio, in dB.
        snr_db: f32,
        /// The least that is taken, in dB.
        least_db: f32,
    },
    /// A recording is overdriven.
    Clipping {
        /// Which.
        recording: usize,
        /// Its share of clipped samples.
        share: f32,
        /// The greatest share that is taken.
        most: f32,
    },
    /// A recording does not sound like the others, or holds two voices.
    DifferentVoices {
        /// Which.
        recording: usize,
        /// Cosine with the other recordings, or [`Coherence::ratio`] within it.
        agreement: f32,
        /// The least (with the others) or least but one (within) that is taken.
        limit: f32,
        /// Two voices within the recording, rather than a recording unlike the others.
        within: bool,
    },
}

impl RefusalReason {
    /// The reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Silence => "SILENCE",
            Self::TooLittleSpeech { .. } => "TOO_LITTLE_SPEECH",
            Self::Noise { .. } => "NOISE",
            Self::Clipping { .. } => "CLIPPING",
            Self::DifferentVoices { .. } => "DIFFERENT_VOICES",
        }
    }

    /// Net speech that is missing, in seconds, where that is the reason.
    pub fn missing_s(&self) -> Option<f64> {
        match self {
            Self::TooLittleSpeech { missing_s, .. } => Some(*missing_s),
            _ => None,
        }
    }

    /// The recording at fault, counted from 0, where it is one.
    pub fn recording(&self) -> Option<usize> {
        match self {
            Self::Silence | Self::TooLittleSpeech { .. } => None,
            Self::Noise { recording, .. }
            | Self::Clipping { recording, .. }
            | Self::DifferentVoices { recording, .. } => Some(*recording),
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code())?;
        match self {
            Self::Silence => f.write_str("no speech was found"),
            Self::TooLittleSpeech { have_s, least_s, missing_s } => {
                // Rounded so that the three numbers add up and nothing missing is shown as 0.
                let missing = (missing_s * 10.0).ceil() / 10.0;
                write!(
                    f,
                    "{:.1} s of net speech, {least_s:.1} s needed, {missing:.1} s missing",
                    (have_s * 10.0).floor() / 10.0
                )
            }
            Self::Noise { recording, snr_db, least_db } => {
                write!(
                    f,
                    "recording {} has {snr_db:.1} dB of speech over noise, {least_db:.1} dB needed",
                    recording + 1
                )
            }
            Self::Clipping { recording, share, most } => write!(
                f,
                "{:.1} % of recording {} is clipped, at most {:.1} % allowed",
                100.0 * share,
                recording + 1,
                100.0 * most
            ),
            Self::DifferentVoices { recording, agreement, limit, within: false } => write!(
                f,
                "recording {} does not sound like the others (cosine {agreement:.2}, at least {limit:.2} needed)",
                recording + 1
            ),
            Self::DifferentVoices { recording, agreement, limit, within: true } => write!(
                f,
                "recording {} seems to hold two voices (likeness {agreement:.2}, more than {limit:.2} needed)",
                recording + 1
            ),
        }
    }
}

/// All the reasons why recordings make no voiceprint, the gravest first.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    first: RefusalReason,
    others: Vec<RefusalReason>,
}

impl Refusal {
    /// The gravest reason.
    pub fn reason(&self) -> &RefusalReason {
        &self.first
    }

    /// Every reason, the gravest first.
    pub fn reasons(&self) -> impl Iterator<Item = &RefusalReason> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.others.iter().try_for_each(|r| write!(f, "; {r}"))
    }
}

impl std::error::Error for Refusal {}

/// What should be better about an enrolment that is accepted.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum EnrollWarning {
    /// Less net speech than wanted.
    LessThanWanted {
        /// What there is, in seconds.
        have_s: f64,
        /// What is wanted, in seconds.
        wanted_s: f64,
    },
    /// A recording without speech adds nothing.
    NoSpeech {
        /// Which, counted from 0.
        recording: usize,
    },
}

impl fmt::Display for EnrollWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LessThanWanted { have_s, wanted_s } => {
                write!(f, "{have_s:.1} s of net speech, {wanted_s:.1} s wanted: expect more false rejections")
            }
            Self::NoSpeech { recording } => write!(f, "recording {} has no speech", recording + 1),
        }
    }
}

/// How far an enrolment is.
#[derive(Clone, PartialEq, Debug)]
pub struct Assessment {
    /// Net speech of all recordings, in seconds.
    pub net_speech_s: f64,
    /// Net speech towards what is wanted, 0 to 100, rounded down.
    pub percent: u8,
    /// Lowest cosine of a recording with the mean of the others; `None` with fewer than two.
    pub agreement: Option<f32>,
    /// The most divided recording; `None` when none has windows enough.
    pub coherence: Option<Coherence>,
    /// What stands in the way.
    pub refusal: Option<Refusal>,
    /// What should be better.
    pub warnings: Vec<EnrollWarning>,
}

/// Gathers the recordings of one person.
///
/// ```
/// use engine::{embed::ModelId, enroll::*, template::Embedding};
///
/// let recording = |net_speech_s| RecordingEvidence {
///     embedding: Embedding::new(ModelId([0; 16]), &[0.6, 0.8]).ok(),
///     windows: Vec::new().into(),
///     net_speech_s, snr_db: Some(20.0), clipped_share: 0.0, bandwidth_hz: 3400.0,
/// };
/// let mut enroller = Enroller::new(EnrollConfig::default())?;
/// enroller.add(recording(7.5))?;
/// assert_eq!(
///     enroller.finish().unwrap_err().to_string(),
///     "TOO_LITTLE_SPEECH: 7.5 s of net speech, 12.0 s needed, 4.5 s missing",
/// );
/// enroller.add(recording(15.0))?;
/// assert_eq!(enroller.assess().percent, 75);
/// assert_eq!(enroller.finish()?.net_speech_s(), 22.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Enroller {
    config: EnrollConfig,
    recordings: Vec<Recording>,
}

#[derive(Clone, Debug)]
struct Recording {
    evidence: RecordingEvidence,
    coherence: Option<Coherence>,
}

impl Enroller {
    /// Starts an enrolment.
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(config: EnrollConfig) -> Result<Self, EnrollConfigError> {
        config.check()?;
        Ok(Self { config, recordings: Vec::new() })
    }

    /// Adds a recording.
    ///
    /// # Errors
    /// The evidence is malformed or of another network; whether it is *good* is for [`Enroller::assess`] to say.
    pub fn add(&mut self, recording: RecordingEvidence) -> Result<(), EnrollError> {
        if self.recordings.len() >= MAX_RECORDINGS {
            return Err(EnrollError::TooManyRecordings);
        }
        let most_s = MAX_NET_SPEECH_SAMPLES as f64 / f64::from(MODEL_RATE_HZ) / MAX_RECORDINGS as f64;
        for (name, good) in [
            ("net speech", (0.0..=most_s).contains(&recording.net_speech_s)),
            ("signal-to-noise ratio", recording.snr_db.is_none_or(|s| (-200.0..=200.0).contains(&s))),
            ("clipped share", (0.0..=1.0).contains(&recording.clipped_share)),
            ("bandwidth", (0.0..=1e6).contains(&recording.bandwidth_hz)),
        ] {
            if !good {
                return Err(EnrollError::Evidence { name });
            }
        }
        let mut split = None;
        if let Some(new) = &recording.embedding {
            if let Some(first) = self.recordings.iter().find_map(|r| r.evidence.embedding.as_ref()) {
                first.cosine(new).map_err(EnrollError::Embedding)?;
            }
            split = coherence(&recording.windows, new.values().len()).map_err(EnrollError::Windows)?;
        }
        self.recordings.push(Recording { evidence: recording, coherence: split });
        Ok(())
    }

    /// How far the enrolment is, and what [`Enroller::finish`] would say.
    pub fn assess(&self) -> Assessment {
        let (config, limits) = (&self.config, &self.config.limits);
        let net_speech_s = self.net_speech_samples() as f64 / f64::from(MODEL_RATE_HZ);
        let mut reasons = Vec::new();
        if net_speech_s == 0.0 {
            reasons.push(RefusalReason::Silence);
        }

        let agreements = self.agreements();
        for &(recording, agreement, limit) in &agreements {
            if agreement < limit {
                reasons.push(RefusalReason::DifferentVoices { recording, agreement, limit, within: false });
            }
        }
        for (recording, r) in self.with_speech() {
            if let Some(c) = r.coherence
                && c.windows >= limits.least_windows
                && c.smaller_share() >= limits.least_share
                && c.ratio() <= limits.most_ratio
            {
                let (agreement, limit) = (c.ratio(), limits.most_ratio);
                reasons.push(RefusalReason::DifferentVoices { recording, agreement, limit, within: true });
            }
        }
        if net_speech_s > 0.0 && net_speech_s < config.least_speech_s {
            let (have_s, least_s) = (net_speech_s, config.least_speech_s);
            reasons.push(RefusalReason::TooLittleSpeech { have_s, least_s, missing_s: least_s - have_s });
        }
        for (recording, r) in self.with_speech() {
            if let Some(snr_db) = r.evidence.snr_db.filter(|&s| s < config.min_snr_db) {
                reasons.push(RefusalReason::Noise { recording, snr_db, least_db: config.min_snr_db });
            }
        }
        for (recording, r) in self.with_speech() {
            let (share, most) = (r.evidence.clipped_share, config.max_clipped_share);
            if share > most {
                reasons.push(RefusalReason::Clipping { recording, share, most });
            }
        }

        let mut warnings = Vec::new();
        if net_speech_s < config.wanted_speech_s {
            let (have_s, wanted_s) = (net_speech_s, config.wanted_speech_s);
            warnings.push(EnrollWarning::LessThanWanted { have_s, wanted_s });
        }
        let silent = self.recordings.iter().enumerate().filter(|(_, r)| !r.evidence.has_speech());
        warnings.extend(silent.map(|(recording, _)| EnrollWarning::NoSpeech { recording }));

        let mut reasons = reasons.into_iter();
        let refusal = reasons.next().map(|first| Refusal { first, others: reasons.collect() });
        Assessment {
            net_speech_s,
            percent: (100.0 * net_speech_s / config.wanted_speech_s).min(100.0) as u8,
            agreement: agreements.iter().map(|&(_, a, _)| a).reduce(f32::min),
            coherence: self.lowest_coherence(),
            refusal,
            warnings,
        }
    }

    /// Makes the voiceprint. More recordings may be added after a refusal.
    ///
    /// # Errors
    /// The reasons why these recordings make none.
    pub fn finish(&self) -> Result<Template, Refusal> {
        let assessment = self.assess();
        if let Some(refusal) = assessment.refusal {
            return Err(refusal);
        }
        let good: Vec<&RecordingEvidence> = self.with_speech().map(|(_, r)| &r.evidence).collect();
        let weighted = |value: &dyn Fn(&RecordingEvidence) -> Option<f32>| {
            let (sum, weight) = good
                .iter()
                .filter_map(|r| Some((f64::from(value(r)?), r.net_speech_s)))
                .fold((0.0, 0.0), |(s, w), (v, n)| (s + v * n, w + n));
            (weight > 0.0).then(|| (sum / weight) as f32)
        };
        let record = TemplateRecord {
            recordings: good.len() as u32,
            net_speech_samples: self.net_speech_samples(),
            snr_db: weighted(&|r| r.snr_db),
            clipped_share: weighted(&|r| Some(r.clipped_share)).unwrap_or(0.0),
            bandwidth_hz: good.iter().map(|r| r.bandwidth_hz).fold(f32::INFINITY, f32::min),
            agreement: assessment.agreement,
            coherence: assessment.coherence.map(|c| c.ratio()),
        };
        // What `add` and `assess` let through always makes a template, except recordings whose mean has no direction.
        Embedding::mean(good.iter().filter_map(|r| r.embedding.as_ref()))
            .and_then(|mean| Template::new(mean, record))
            .map_err(|_| Refusal {
                first: RefusalReason::DifferentVoices { recording: 0, agreement: -1.0, limit: 0.0, within: false },
                others: Vec::new(),
            })
    }

    fn with_speech(&self) -> impl Iterator<Item = (usize, &Recording)> {
        self.recordings.iter().enumerate().filter(|(_, r)| r.evidence.has_speech())
    }

    fn net_speech_samples(&self) -> u64 {
        self.with_speech().map(|(_, r)| r.evidence.net_speech_samples()).sum()
    }

    /// (recording, cosine with the mean of the others, least cosine for their amounts of speech); empty below two.
    fn agreements(&self) -> Vec<(usize, f32, f32)> {
        let limits = &self.config.limits;
        let parts: Vec<(usize, &Embedding, f64)> = self
            .with_speech()
            .filter_map(|(i, r)| Some((i, r.evidence.embedding.as_ref()?, r.evidence.net_speech_s)))
            .collect();
        if parts.len() < 2 {
            return Vec::new();
        }
        let noise = |net_s: f64| 1.0 + limits.noise_speech_s / net_s;
        let one = |&(recording, own, own_s): &(usize, &Embedding, f64)| {
            let others = || parts.iter().filter(|p| p.0 != recording);
            // Others that cancel each other out agree with nothing.
            let cosine = Embedding::mean(others().map(|p| p.1))
                .and_then(|mean| own.cosine(&mean))
                .map_or(-1.0, |c| c.value() as f32);
            let rest_s: f64 = others().map(|p| p.2).sum();
            let limit = f64::from(limits.least_agreement) / (noise(own_s) * noise(rest_s)).sqrt();
            (recording, cosine, limit as f32)
        };
        parts.iter().map(one).collect()
    }

    fn lowest_coherence(&self) -> Option<Coherence> {
        let judged = self.with_speech().filter_map(|(_, r)| r.coherence);
        let large = judged.filter(|c| c.windows >= self.config.limits.least_windows);
        large.reduce(|a, b| if b.ratio() < a.ratio() { b } else { a })
    }
}

#[cfg(test)]
mod tests;
