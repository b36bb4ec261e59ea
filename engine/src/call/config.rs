//! What a call is asked, and by whom.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::embed::ModelId;
use crate::enroll::{EnrollConfig, EnrollConfigError};
use crate::error::ConfigError;
use crate::score::{AuthPolicy, Calibration, Claim, Conditions, FraudScore, ScoreError, ScoreKind, Side, Threshold};
use crate::search::{Index, Scratch, SearchError};
use crate::session::SessionConfig;
use crate::template::{Embedding, Template, TemplateError};

/// Net speech at which the sequential test looks before the response time, in seconds.
const LOOKS_S: [f64; 3] = [3.0, 5.0, 7.0];
/// Share of the false match rate that each early look may spend. By the union bound the looks and the final test together
/// let in no more impostors than the threshold states, however the scores at different times hang together.
pub(super) const LOOK_SHARE: f64 = 0.1;
/// Natural logarithm of the likelihood ratio at or below which a caller is rejected early: a genuine caller is 100 times
/// rarer than an impostor there. It costs genuine callers at most 1 % in all (Wald 1945), and impostors nothing.
pub(super) const EARLY_REJECT_LLR: f64 = -4.605_170_185_988_091;

/// The looks before a response time.
pub(super) fn looks(min_speech_s: f64) -> impl Iterator<Item = f64> {
    LOOKS_S.into_iter().filter(move |&at| at < min_speech_s)
}

/// What is left of the false match rate for the test at the response time.
pub(super) fn final_share(min_speech_s: f64) -> f64 {
    1.0 - LOOK_SHARE * looks(min_speech_s).count() as f64
}

/// How long a call is listened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Listening {
    /// Until there is speech enough for everything that was asked, as Voice ID does.
    #[default]
    UntilEnough,
    /// To the end of the call; the answers go on changing.
    UntilEnd,
}

/// How a [`super::Call`] is made.
#[derive(Clone, Copy, Debug)]
pub struct CallConfig {
    pub(super) session: SessionConfig,
    pub(super) listening: Listening,
    pub(super) enrollment: Option<EnrollConfig>,
    pub(super) agent: bool,
}

impl CallConfig {
    /// A call that is listened to until there is enough, and cannot enrol.
    pub fn new(session: SessionConfig) -> Self {
        Self { session, listening: Listening::default(), enrollment: None, agent: false }
    }

    /// How long to listen.
    #[must_use]
    pub fn listening(self, listening: Listening) -> Self {
        Self { listening, ..self }
    }

    /// Lets the agent's side be told too ([`super::Call::push_both`]), to notice the agent in the caller's channel.
    #[must_use]
    pub fn agent(self, agent: bool) -> Self {
        Self { agent, ..self }
    }

    /// Lets the caller be enrolled during the call. Costs a second network.
    #[must_use]
    pub fn enrollment(self, enrollment: EnrollConfig) -> Self {
        Self { enrollment: Some(enrollment), ..self }
    }
}

/// How a caller is authenticated.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Authentication {
    /// Threshold and response time.
    pub policy: AuthPolicy,
    /// Decide clear cases before the response time, by a sequential test that keeps the threshold's false match rate: looks
    /// at 3, 5 and 7 s of net speech each spend a tenth of it, and what is left is for the response time. Scores are lower
    /// by what that costs, 3.1 points at most at the response time and 20 at a look.
    pub early: bool,
}

/// Voiceprints of fraudsters, with what each was made from.
pub struct WatchList {
    index: Index,
    sides: Vec<Side>,
}

impl WatchList {
    /// Joins voiceprints with what each was made from, row by row.
    ///
    /// # Errors
    /// [`CallError::WatchList`] unless there is one side for each row.
    pub fn new(index: Index, sides: Vec<Side>) -> Result<Self, CallError> {
        if sides.len() != index.len() {
            return Err(CallError::WatchList { rows: index.len(), sides: sides.len() });
        }
        Ok(Self { index, sides })
    }

    /// The voiceprints.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The network that they come from.
    pub fn model(&self) -> ModelId {
        self.index.model()
    }

    /// What the voiceprint of a row was made from; `None` beyond the last row.
    pub fn side(&self, row: usize) -> Option<Side> {
        self.sides.get(row).copied()
    }

    /// The closest voiceprint to an embedding of `side`: its row and its risk, over the whole list; `None` for an empty list.
    ///
    /// *Real-time*: does not allocate; the time grows with the list.
    ///
    /// # Errors
    /// [`CallError::Search`] or [`CallError::Score`]: another network.
    pub fn risk(
        &self,
        embedding: &Embedding,
        side: Side,
        calibration: &Calibration,
        scratch: &mut Scratch,
    ) -> Result<Option<(usize, FraudScore)>, CallError> {
        if embedding.model() != self.model() {
            return Err(CallError::OtherModel { expected: self.model(), found: embedding.model() });
        }
        let hit = self.index.best(embedding.values(), scratch).map_err(CallError::Search)?;
        let (Some(hit), Some(len)) = (hit, NonZeroU64::new(self.index.len() as u64)) else { return Ok(None) };
        // There is one for each row; a list without it must not look like an empty one.
        let missing = CallError::WatchList { rows: self.index.len(), sides: self.sides.len() };
        let conditions = Conditions { probe: side, enrol: self.side(hit.row).ok_or(missing)? };
        let score = calibration.fraud_score(hit.cosine, conditions, len).map_err(CallError::Score)?;
        Ok(Some((hit.row, score)))
    }
}

impl fmt::Debug for WatchList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchList").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The watch list that a call names.
#[derive(Clone, Debug)]
pub enum Watched {
    /// A list.
    List(Arc<WatchList>),
    /// A well-formed id that the domain does not have. Setting it succeeds; a later check takes the error branch.
    Unknown,
}

impl PartialEq for Watched {
    /// The same list, not an equal one.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => Arc::ptr_eq(a, b),
            (Self::Unknown, Self::Unknown) => true,
            _ => false,
        }
    }
}

/// How fraud is looked for.
#[derive(Clone, PartialEq, Debug)]
pub struct FraudDetection {
    /// Risk at or above which the caller is of high risk; Voice ID's default is 50.
    pub threshold: Threshold,
    /// Where to look.
    pub watched: Watched,
}

/// What a Set block says.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Listen to the call. Once on it stays on.
    pub streaming: bool,
    /// Authenticate the caller.
    pub authentication: Option<Authentication>,
    /// Look for fraud.
    pub fraud: Option<FraudDetection>,
}

/// Whom the caller claims to be, as the domain knows them.
#[derive(Clone)]
pub enum Caller {
    /// No identity was claimed.
    NotProvided,
    /// Unknown, or known without a voiceprint.
    NotEnrolled,
    /// Opted out.
    OptedOut,
    /// Has a voiceprint that went unused for too long.
    Expired,
    /// Has a voiceprint.
    Enrolled(Arc<Template>),
}

impl Caller {
    /// The claim, without the voiceprint.
    pub fn claim(&self) -> Claim {
        match self {
            Self::NotProvided => Claim::NotProvided,
            Self::NotEnrolled => Claim::NotEnrolled,
            Self::OptedOut => Claim::OptedOut,
            Self::Expired => Claim::Expired,
            Self::Enrolled(_) => Claim::Enrolled,
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.claim().fmt(f)
    }
}

/// Whether a call is heard; `Display` gives the API's spelling (`StreamingStatus`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamingStatus {
    /// Not yet: no Set block has turned streaming on.
    PendingConfiguration,
    /// Yes.
    Ongoing,
    /// No more: there is enough, or the call is over.
    Ended,
}

impl StreamingStatus {
    /// The wire spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingConfiguration => "PENDING_CONFIGURATION",
            Self::Ongoing => "ONGOING",
            Self::Ended => "ENDED",
        }
    }
}

impl fmt::Display for StreamingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a call cannot be made or asked so.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum CallError {
    /// The pipeline cannot be made.
    Config(ConfigError),
    /// A setting of enrolment is out of range.
    Enrollment(EnrollConfigError),
    /// Something belongs to another network.
    OtherModel {
        /// The call's network.
        expected: ModelId,
        /// The other one.
        found: ModelId,
    },
    /// A calibration that was not fitted on cosines.
    Calibration {
        /// What it was fitted on.
        kind: ScoreKind,
    },
    /// An embedding cannot be compared.
    Embedding(TemplateError),
    /// A network for windows without enrolment, or enrolment without it.
    Windows,
    /// A watch list that does not say for each of its voiceprints what it was made from.
    WatchList {
        /// Its voiceprints.
        rows: usize,
        /// Those of them that it says it for.
        sides: usize,
    },
    /// A search that cannot be.
    Search(SearchError),
    /// A comparison without a score.
    Score(ScoreError),
    /// A new stream while another is heard; Voice ID's `ANOTHER_ACTIVE_STREAM`.
    AnotherActiveStream,
    /// Another speaker after enrolment has begun; Voice ID's `CANNOT_CHANGE_SPEAKER_AFTER_ENROLLMENT`.
    SpeakerAfterEnrollment,
    /// Enrolment twice in a call; Voice ID's `ENROLLMENT_ALREADY_EXISTS`.
    EnrollmentExists,
    /// Enrolment without a speaker; Voice ID's `SPEAKER_NOT_SET`.
    SpeakerNotSet,
    /// Enrolment of somebody who opted out; Voice ID's `SPEAKER_OPTED_OUT`.
    SpeakerOptedOut,
    /// This call was made without enrolment.
    EnrollmentOff,
    /// The call is over.
    Ended,
}

impl CallError {
    /// Voice ID's `ConflictType`, where the error is one.
    pub fn conflict(&self) -> Option<&'static str> {
        match self {
            Self::AnotherActiveStream => Some("ANOTHER_ACTIVE_STREAM"),
            Self::SpeakerAfterEnrollment => Some("CANNOT_CHANGE_SPEAKER_AFTER_ENROLLMENT"),
            Self::EnrollmentExists => Some("ENROLLMENT_ALREADY_EXISTS"),
            Self::SpeakerNotSet => Some("SPEAKER_NOT_SET"),
            Self::SpeakerOptedOut => Some("SPEAKER_OPTED_OUT"),
            _ => None,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(e) => e.fmt(f),
            Self::Enrollment(e) => e.fmt(f),
            Self::OtherModel { expected, found } => {
                write!(f, "it belongs to model {found}, the call to model {expected}")
            }
            Self::Calibration { kind } => write!(f, "the calibration was fitted on {kind}, a call gives cosines"),
            Self::Embedding(e) => e.fmt(f),
            Self::Windows => f.write_str("enrolment needs a network for windows, and only enrolment does"),
            Self::WatchList { rows, sides } => {
                write!(f, "watch list of {rows} voiceprints, with what {sides} of them were made from")
            }
            Self::Search(e) => e.fmt(f),
            Self::Score(e) => e.fmt(f),
            Self::AnotherActiveStream => f.write_str("another stream of this call is active"),
            Self::SpeakerAfterEnrollment => f.write_str("the speaker cannot change after enrolment has begun"),
            Self::EnrollmentExists => f.write_str("this call has an enrolment already"),
            Self::SpeakerNotSet => f.write_str("no speaker is set"),
            Self::SpeakerOptedOut => f.write_str("the speaker has opted out"),
            Self::EnrollmentOff => f.write_str("this call was made without enrolment"),
            Self::Ended => f.write_str("the call has ended"),
        }
    }
}

impl std::error::Error for CallError {}
