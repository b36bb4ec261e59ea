//! The command line, as `clap` sees it, a file for each verb. Kept apart from the commands so that completions and the man page are made from it.

mod audit;
mod batch;
mod call;
mod command;
mod contact;
mod domain;
mod enroll;
mod flow;
mod fraudster;
mod global;
mod input;
mod model;
mod policy;
mod privacy;
mod redact;
mod rules;
mod secure;
mod session;
mod speaker;
mod trials;
mod user;
mod verify;
mod watchlist;

pub use audit::AuditCommand;
pub use batch::{BatchArgs, BatchCommand, BatchEnrollArgs, BatchRegisterArgs, ExistingAction, FraudAction};
#[cfg(feature = "mic")]
pub use call::ListenArgs;
pub use call::{CallArgs, LiveArgs, SecondsSpan};
pub use command::{Cli, Command, EXIT_CODES};
pub use contact::{ContactCommand, ContactCopy, ContactFilterArgs, NonTalkArg, ScoreArg};
pub use domain::DomainCommand;
pub use enroll::EnrollArgs;
pub use flow::{FlowCommand, FlowRunArgs};
pub use fraudster::{DuplicateAction, FraudsterCommand, ListArgs, RegisterArgs};
pub use global::{Global, PrecisionArg};
pub use input::Input;
#[cfg(feature = "onnx")]
pub use model::ImportArgs;
pub use model::ModelCommand;
pub use policy::{OnOff, PolicyCommand};
pub use privacy::{PresetArg, PrivacyCommand, PrivacyPolicy};
pub use redact::{
    EvalRedactionArgs, LayoutArg, LeanArg, MaskArg, PolicyArg, RedactArgs, RedactHow, RedactSought, RedactWanted,
    RetainArgs, UnsealArgs,
};
pub use rules::RulesCommand;
pub use secure::SecureCommand;
pub use session::SessionCommand;
pub use speaker::{SpeakerCommand, StatusFilter};
pub use trials::{CalibrateArgs, EvalArgs, TrialArgs};
pub use user::{RoleCommand, UserCommand, UserHas};
pub use verify::VerifyArgs;
pub use watchlist::{FraudArgs, WatchlistCommand};
