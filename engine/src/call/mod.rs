//! One call as it happens: what Voice ID's Set and Check blocks configure and answer, on a live stream.
//!
//! A [`Call`] owns a [`Session`](crate::session::Session) and asks it after every 100 ms of audio, counted from the start of the stream, how far it has
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
mod enroll;
mod enrollment;
mod evaluate;
mod event;
mod listen;
mod live;
mod result;

pub use config::{
    Authentication, CallConfig, CallError, Caller, FraudDetection, Listening, Settings, StreamingStatus, WatchList,
    Watched,
};
pub use enrollment::{EnrollmentProgress, EnrollmentRefusal};
pub use event::Event;
pub use live::{Call, Standing};
pub use result::{
    Aggregation, Answer, AuthenticationResult, CheckOption, EnrollmentBranch, Evaluation, FraudResult, Reason, Reasons,
};
