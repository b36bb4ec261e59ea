//! Why an operation did not do what it was asked.

use std::error::Error;
use std::fmt;

use cli_store::StoreError;

/// What an operation answers.
pub type Result<T, E = AppError> = std::result::Result<T, E>;

/// What kind of error it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Code {
    /// Whoever asks may not.
    Denied,
    /// Everything else.
    Failed,
}

/// Why an operation did not do what it was asked: what was being done, and below it ([`Error::source`]) what went wrong.
pub struct AppError(anyhow::Error);

impl AppError {
    /// An error of this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self(anyhow::Error::msg(message.into()))
    }

    /// What kind of error it is.
    pub fn code(&self) -> Code {
        let denied = |e: &(dyn Error + 'static)| {
            matches!(e.downcast_ref(), Some(StoreError::Denied { .. }))
                || e.downcast_ref::<Self>().is_some_and(|e| e.code() == Code::Denied)
        };
        if self.0.chain().any(denied) { Code::Denied } else { Code::Failed }
    }

    /// The same, with what was being done above it.
    pub fn context(self, context: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self(self.0.context(context))
    }

    /// This error and what is below it.
    pub fn chain(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        self.0.chain()
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for AppError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

macro_rules! from {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for AppError {
            fn from(error: $error) -> Self {
                Self(error.into())
            }
        }
    )*};
}

from!(
    anyhow::Error,
    cli_audio::AudioError,
    engine::call::CallError,
    engine::enroll::EnrollConfigError,
    engine::enroll::EnrollError,
    engine::error::ConfigError,
    engine::error::InputError,
    engine::metrics::TrialsError,
    engine::score::PolicyError,
    engine::score::ScoreError,
    engine::search::SearchError,
    engine::template::TemplateError,
    engine_words::UnknownEntity,
    engine_words::categories::RuleError,
    engine_words::mute::SpanError,
    engine_words::transcript::TranscriptError,
    hound::Error,
    models::ModelError,
    models::calibration::CalibrationFileError,
    rayon::ThreadPoolBuildError,
    serde_json::Error,
    std::io::Error,
    std::num::ParseIntError,
    tempfile::PersistError,
    StoreError,
);

/// What was being done when something went wrong.
pub(crate) trait Context<T> {
    /// Puts `context` above the error.
    fn context<C: fmt::Display + Send + Sync + 'static>(self, context: C) -> Result<T>;

    /// Puts what `context` makes above the error.
    fn with_context<C: fmt::Display + Send + Sync + 'static>(self, context: impl FnOnce() -> C) -> Result<T>;
}

impl<T, E: Into<AppError>> Context<T> for std::result::Result<T, E> {
    fn context<C: fmt::Display + Send + Sync + 'static>(self, context: C) -> Result<T> {
        self.with_context(|| context)
    }

    fn with_context<C: fmt::Display + Send + Sync + 'static>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| error.into().context(context()))
    }
}

impl<T> Context<T> for Option<T> {
    fn context<C: fmt::Display + Send + Sync + 'static>(self, context: C) -> Result<T> {
        self.with_context(|| context)
    }

    fn with_context<C: fmt::Display + Send + Sync + 'static>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.ok_or_else(|| AppError::new(context().to_string()))
    }
}

/// Ends the function with an error of this text.
macro_rules! bail {
    ($($text:tt)*) => {
        return Err($crate::error::AppError::new(format!($($text)*)))
    };
}

/// Ends the function with an error of this text unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            $crate::error::bail!($($text)*);
        }
    };
}

pub(crate) use {bail, ensure};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn what_is_below_is_told_once_and_a_refusal_is_known_wherever_it_is() {
        let denied = || -> Result<()> { Err(StoreError::Denied { reason: "anna has no VoiceId".into() }.into()) };
        let error = denied().context("speaker 7").context("call.wav").unwrap_err();
        assert_eq!(error.code(), Code::Denied);
        assert_eq!(denied().unwrap_err().code(), Code::Denied);
        let outer = anyhow::Error::from(error).context("outside");
        let text = format!("{outer:#}");
        assert!(text.starts_with("outside: call.wav: speaker 7: ") && text.matches("anna").count() == 1, "{text}");
        assert_eq!(AppError::from(outer).code(), Code::Denied);
        let failed = None::<()>.with_context(|| "nothing there").unwrap_err();
        assert_eq!((failed.code(), format!("{failed:#}").as_str()), (Code::Failed, "nothing there"));
    }
}
