//! What each command takes of a user, and in whose name the domain is opened.
//!
//! Calls on the domain ask for themselves; this table is for the commands that touch a person's recordings or records without one. There is a line for
//! every command, and no line for "the others": a new command does not compile before somebody has decided.

use anyhow::{Context, Result, anyhow};
use cli_app::live::EventFiles;
use cli_store::{Domain, OpenOptions, Permission, StoreError};
use zeroize::Zeroizing;

use crate::args::{AuditCommand, Command, FlowCommand, Global, PrivacyCommand, RulesCommand, SecureCommand};

/// What a command takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    /// Nothing that belongs to a person.
    Nothing,
    /// What the domain's calls ask for.
    Domain,
    /// One of these, for files that belong to a person.
    Any(&'static [Permission]),
}

impl Command {
    /// What the command takes of a user.
    pub(crate) fn takes(&self) -> Takes {
        use Permission as P;
        match self {
            Command::Demo { .. } | Command::Model(_) | Command::Completions { .. } | Command::Man { .. } => {
                Takes::Nothing
            }
            Command::Domain(_)
            | Command::Contact(_)
            | Command::User(_)
            | Command::Role(_)
            | Command::Policy(_)
            | Command::Audit(AuditCommand::List { .. } | AuditCommand::Verify) => Takes::Domain,
            // Asked before a recording is read, and again by the domain.
            Command::Enroll(_)
            | Command::Verify(_)
            | Command::Call(_)
            | Command::Identify { .. }
            | Command::Speaker(_)
            | Command::Watchlist(_)
            | Command::Fraudster(_)
            | Command::Session(_)
            | Command::Batch(_)
            | Command::Flow(FlowCommand::Run { .. })
            | Command::Compare { .. }
            | Command::Embed { .. }
            | Command::Inspect { .. }
            | Command::Eval(_)
            | Command::Calibrate(_) => Takes::Any(&[P::VoiceId]),
            #[cfg(feature = "mic")]
            Command::Listen(_) => Takes::Any(&[P::VoiceId]),
            Command::Secure(SecureCommand::Lint { .. }) => Takes::Nothing,
            Command::Secure(SecureCommand::Verify { .. }) => {
                Takes::Any(&[P::RecordingRedacted, P::RecordingUnredacted])
            }
            Command::Redact(_) => Takes::Any(&[P::RecordingUnredacted]),
            Command::RedactText { .. } | Command::EvalRedaction(_) | Command::Unseal(_) => {
                Takes::Any(&[P::TranscriptUnredacted])
            }
            Command::Retain(_) => Takes::Any(&[P::DeleteRecordings]),
            Command::Flow(FlowCommand::Lint { .. }) | Command::Rules(RulesCommand::Lint { .. }) => Takes::Nothing,
            Command::Rules(RulesCommand::Test { .. }) => Takes::Any(&[P::TranscriptRedacted, P::TranscriptUnredacted]),
            Command::Rules(RulesCommand::Run { .. }) => Takes::Any(&[P::Realtime]),
            Command::Rules(RulesCommand::Set { .. } | RulesCommand::List | RulesCommand::Delete { .. }) => {
                Takes::Domain
            }
            Command::Privacy(PrivacyCommand::Effective { .. }) => Takes::Nothing,
            Command::Privacy(PrivacyCommand::Filter { .. }) => Takes::Any(&[P::ImportContacts, P::PrivacyEdit]),
            Command::Privacy(PrivacyCommand::Open { .. }) => Takes::Any(&[P::ContactAttributes]),
            Command::Privacy(PrivacyCommand::Set { .. } | PrivacyCommand::Delete) => Takes::Domain,
            Command::Privacy(PrivacyCommand::Get) => Takes::Any(&[P::PrivacyView]),
        }
    }
}

/// Refuses a command on files that the user has no right to. Without a user, files are the operating system's matter.
pub(super) fn check(global: &Global, command: &Command) -> Result<()> {
    match command.takes() {
        Takes::Any(needed) if global.acts_for_a_user() => global.may(needed),
        _ => Ok(()),
    }
}

impl Global {
    /// Whether somebody else than the owner acts.
    pub(crate) fn acts_for_a_user(&self) -> bool {
        self.as_user.is_some() || self.token_file.is_some()
    }

    /// Opens the domain in the user's name.
    ///
    /// # Errors
    /// There is none, or it does not open, or there is no such user.
    pub fn open(&self) -> Result<Domain> {
        let mut options = OpenOptions::default();
        if let Some(user) = &self.as_user {
            options = options.user(user);
        }
        if let Some(file) = &self.token_file {
            let token = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            options = options.token(Zeroizing::new(token).trim());
        }
        if let Some(consumer) = EventFiles::from(self).consumer()? {
            options = options.journal(consumer);
        }
        Ok(Domain::open_with(&self.domain, options)?)
    }

    /// Refuses unless the user has one of these rights.
    pub(crate) fn may(&self, needed: &[Permission]) -> Result<()> {
        let grants = self.open()?.grants()?;
        if needed.iter().any(|p| grants.has(*p)) {
            return Ok(());
        }
        let names: Vec<&str> = needed.iter().map(|p| p.as_str()).collect();
        let reason = format!("{} has no {}", grants.user, names.join(" or "));
        Err(anyhow!(StoreError::Denied { reason }))
    }
}
