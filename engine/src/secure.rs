//! Secure passages of a call, as Genesys Architect's secure flows have them: a state machine that the host's switch drives, and the only
//! way out for what is secret.
//!
//! | from | event | to | what the host must do |
//! |---|---|---|---|
//! | normal | [`SecureCall::begin`] with a monitor listening | normal | nothing: refused |
//! | normal | [`SecureCall::begin`] | secure | silence recorder, logs and agent; the agent is reserved or released |
//! | secure | [`SecureCall::return_to_agent`] | normal | restore them, hand over what is allowed; secrets are wiped |
//! | secure | [`SecureCall::transfer`], [`SecureCall::disconnect`], the caller hangs up | ended | free the agent; secrets are wiped |
//! | secure | the agent hangs up | ended, queued or unchanged | as [`AgentHangup`] says, where the agent would have been returned to |
//! | secure | [`SecureCall::timeout`] | normal or ended | as [`TimeoutPolicy`] says |

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// How a secure passage ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The agent waits, reserved, and the call returns to them.
    AgentReturns,
    /// The agent's part is over; the call ends in a transfer or a disconnection.
    AgentReleased,
    /// There is no agent.
    IvrOnly,
}

impl Mode {
    /// Whether a flow may end by returning to the agent.
    pub fn may_return(self) -> bool {
        self == Self::AgentReturns
    }
}

/// Where a call stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Recorded, logged, heard by the agent.
    Normal,
    /// None of that.
    Secure(Mode),
    /// Over.
    Ended,
}

/// What the host must do now, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// The recorder gets digital silence.
    SilenceRecorder,
    /// Logs and events of the call go nowhere.
    SilenceLogs,
    /// The agent hears nothing of the caller, nor the caller of the agent.
    CutAgent,
    /// The agent gets no other work.
    ReserveAgent,
    /// The agent is free.
    ReleaseAgent,
    /// The recorder records.
    RestoreRecorder,
    /// Logs and events go where they went.
    RestoreLogs,
    /// The agent and the caller hear each other.
    RestoreAgent,
    /// The caller is sent to the target.
    Transfer,
    /// The caller waits in the queue for another agent.
    QueueCaller,
    /// The caller is disconnected.
    Disconnect,
}

/// What becomes of the caller when the agent hangs up who would have been returned to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AgentHangup {
    /// Disconnected, as in Genesys.
    #[default]
    DropCaller,
    /// Queued for another agent.
    Queue,
}

/// What a timeout does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimeoutPolicy {
    /// The call ends.
    #[default]
    Disconnect,
    /// Back to the agent, where the mode allows it; otherwise the call ends.
    Return,
}

/// Why an event was refused. Nothing has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SecureError {
    /// Somebody listens in, who must stop first.
    MonitorActive {
        /// How many.
        monitors: usize,
    },
    /// The event does not fit the state.
    WrongState {
        /// The state.
        state: State,
    },
    /// The mode does not allow the end that was asked for.
    NotAllowed {
        /// The mode.
        mode: Mode,
    },
    /// The agent is no longer there.
    AgentGone,
    /// There is no secret of that name.
    NoSuchSecret,
    /// An extraction without the name of who answers for it.
    NotAcknowledged,
    /// The rule fits no secret of this kind.
    Rule,
}

impl fmt::Display for SecureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MonitorActive { monitors } => write!(f, "{monitors} monitor(s) listen in: they must stop first"),
            Self::WrongState { state } => write!(f, "not in the state {state:?}"),
            Self::NotAllowed { mode } => write!(f, "a passage of the kind {mode:?} may not end so"),
            Self::AgentGone => f.write_str("the agent has hung up"),
            Self::NoSuchSecret => f.write_str("there is no secret of that name"),
            Self::NotAcknowledged => f.write_str("an extraction needs the name of who answers for it"),
            Self::Rule => f.write_str("the secret is no text that the rule could be applied to"),
        }
    }
}

impl std::error::Error for SecureError {}

/// A secret: wiped when dropped, and without `Debug`, `Display`, `Clone` or any serialisation.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes; the caller wipes its own copies.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Shows the bytes to `with`, for a secure action.
    pub fn with<T>(&self, with: impl FnOnce(&[u8]) -> T) -> T {
        with(&self.0)
    }
}

/// How much of a secret leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExtractRule {
    /// The last few characters, at most 4.
    Last(usize),
    /// How many characters it has.
    Length,
}

/// That a part of a secret has left, for the audit. It holds nothing of the secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extraction {
    /// Which secret.
    pub name: String,
    /// How much of it.
    pub rule: ExtractRule,
    /// Who answers for it.
    pub acknowledged_by: String,
    /// Sample of the stream.
    pub at: u64,
}

/// A call that may have secure passages.
pub struct SecureCall {
    state: State,
    agent_there: bool,
    agent_hangup: AgentHangup,
    timeout: TimeoutPolicy,
    secrets: BTreeMap<String, SecretBytes>,
    audit: Vec<Extraction>,
}

impl SecureCall {
    /// A normal call, with or without an agent.
    pub fn new(agent_there: bool, agent_hangup: AgentHangup, timeout: TimeoutPolicy) -> Self {
        Self { state: State::Normal, agent_there, agent_hangup, timeout, secrets: BTreeMap::new(), audit: Vec::new() }
    }

    /// Where the call stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether audio may reach recorder, log, agent, event and voiceprint.
    pub fn is_secure(&self) -> bool {
        matches!(self.state, State::Secure(_))
    }

    /// Begins a secure passage.
    ///
    /// # Errors
    /// [`SecureError::MonitorActive`] while anybody listens in, [`SecureError::WrongState`], [`SecureError::AgentGone`] where the
    /// mode needs an agent.
    pub fn begin(&mut self, mode: Mode, monitors: usize) -> Result<Vec<Effect>, SecureError> {
        if self.state != State::Normal {
            return Err(SecureError::WrongState { state: self.state });
        }
        if monitors > 0 {
            return Err(SecureError::MonitorActive { monitors });
        }
        if mode == Mode::AgentReturns && !self.agent_there {
            return Err(SecureError::AgentGone);
        }
        self.state = State::Secure(mode);
        let mut effects = vec![Effect::SilenceRecorder, Effect::SilenceLogs];
        if self.agent_there {
            effects.push(Effect::CutAgent);
            effects.push(if mode == Mode::AgentReturns { Effect::ReserveAgent } else { Effect::ReleaseAgent });
            self.agent_there = mode == Mode::AgentReturns;
        }
        Ok(effects)
    }

    fn mode(&self) -> Result<Mode, SecureError> {
        match self.state {
            State::Secure(mode) => Ok(mode),
            state => Err(SecureError::WrongState { state }),
        }
    }

    fn end(&mut self, last: Effect) -> Vec<Effect> {
        self.secrets.clear();
        self.state = State::Ended;
        let mut effects = Vec::new();
        if std::mem::take(&mut self.agent_there) {
            effects.push(Effect::ReleaseAgent);
        }
        effects.push(last);
        effects
    }

    /// Back to the agent, with the names of the variables that the agent's script may see; those that are secrets are kept back.
    ///
    /// # Errors
    /// [`SecureError::NotAllowed`] in the other modes, [`SecureError::AgentGone`], [`SecureError::WrongState`].
    pub fn return_to_agent<'v>(&mut self, variables: &[&'v str]) -> Result<(Vec<Effect>, Vec<&'v str>), SecureError> {
        let mode = self.mode()?;
        if !mode.may_return() {
            return Err(SecureError::NotAllowed { mode });
        }
        if !self.agent_there {
            return Err(SecureError::AgentGone);
        }
        let allowed = variables.iter().copied().filter(|v| !self.secrets.contains_key(*v)).collect();
        self.secrets.clear();
        self.state = State::Normal;
        Ok((vec![Effect::RestoreRecorder, Effect::RestoreLogs, Effect::RestoreAgent], allowed))
    }

    /// To another place; a target that is not there disconnects the caller.
    ///
    /// # Errors
    /// [`SecureError::WrongState`].
    pub fn transfer(&mut self, target_exists: bool) -> Result<Vec<Effect>, SecureError> {
        self.mode()?;
        Ok(self.end(if target_exists { Effect::Transfer } else { Effect::Disconnect }))
    }

    /// The flow disconnects, or the caller hangs up.
    ///
    /// # Errors
    /// [`SecureError::WrongState`].
    pub fn disconnect(&mut self) -> Result<Vec<Effect>, SecureError> {
        self.mode()?;
        Ok(self.end(Effect::Disconnect))
    }

    /// The agent hangs up.
    ///
    /// # Errors
    /// [`SecureError::WrongState`].
    pub fn agent_hangup(&mut self) -> Result<Vec<Effect>, SecureError> {
        if self.mode()? != Mode::AgentReturns {
            return Ok(Vec::new());
        }
        self.agent_there = false;
        Ok(match self.agent_hangup {
            AgentHangup::DropCaller => self.end(Effect::Disconnect),
            AgentHangup::Queue => self.end(Effect::QueueCaller),
        })
    }

    /// The passage has lasted too long.
    ///
    /// # Errors
    /// [`SecureError::WrongState`].
    pub fn timeout(&mut self) -> Result<Vec<Effect>, SecureError> {
        let mode = self.mode()?;
        if self.timeout == TimeoutPolicy::Return && mode.may_return() && self.agent_there {
            return self.return_to_agent(&[]).map(|(effects, _)| effects);
        }
        Ok(self.end(Effect::Disconnect))
    }

    /// Keeps a secret until the passage ends.
    ///
    /// # Errors
    /// [`SecureError::WrongState`] outside a passage.
    pub fn keep(&mut self, name: impl Into<String>, secret: SecretBytes) -> Result<(), SecureError> {
        self.mode()?;
        self.secrets.insert(name.into(), secret);
        Ok(())
    }

    /// A secret, for a secure action.
    ///
    /// # Errors
    /// [`SecureError::WrongState`], [`SecureError::NoSuchSecret`].
    pub fn secret(&self, name: &str) -> Result<&SecretBytes, SecureError> {
        self.mode()?;
        self.secrets.get(name).ok_or(SecureError::NoSuchSecret)
    }

    /// The only way out: a part of a secret, which somebody answers for. It is noted in the audit.
    ///
    /// # Errors
    /// [`SecureError::NotAcknowledged`] without a name, [`SecureError::Rule`], and as [`SecureCall::secret`].
    pub fn extract(
        &mut self,
        name: &str,
        rule: ExtractRule,
        acknowledged_by: &str,
        at: u64,
    ) -> Result<String, SecureError> {
        if acknowledged_by.trim().is_empty() {
            return Err(SecureError::NotAcknowledged);
        }
        let part = self.secret(name)?.with(|bytes| {
            let text = std::str::from_utf8(bytes).map_err(|_| SecureError::Rule)?;
            let count = text.chars().count();
            match rule {
                // What is no longer than twice its part would be given away.
                ExtractRule::Last(n) if n <= 4 && count >= 2 * n => Ok(text.chars().skip(count - n).collect()),
                ExtractRule::Last(_) => Err(SecureError::Rule),
                ExtractRule::Length => Ok(count.to_string()),
            }
        })?;
        let (name, acknowledged_by) = (name.to_owned(), acknowledged_by.to_owned());
        self.audit.push(Extraction { name, rule, acknowledged_by, at });
        Ok(part)
    }

    /// What has left, oldest first.
    pub fn audit(&self) -> &[Extraction] {
        &self.audit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secure(mode: Mode) -> SecureCall {
        let mut call = SecureCall::new(mode != Mode::IvrOnly, AgentHangup::default(), TimeoutPolicy::default());
        call.begin(mode, 0).unwrap();
        call.keep("card", SecretBytes::new(b"4111111111111111".to_vec())).unwrap();
        call
    }

    #[test]
    fn e17_a_monitor_blocks_the_start_and_nothing_changes() {
        let mut call = SecureCall::new(true, AgentHangup::default(), TimeoutPolicy::default());
        assert_eq!(call.begin(Mode::AgentReturns, 2), Err(SecureError::MonitorActive { monitors: 2 }));
        assert_eq!(call.state(), State::Normal);
        let effects = call.begin(Mode::AgentReturns, 0).unwrap();
        assert_eq!(effects, [Effect::SilenceRecorder, Effect::SilenceLogs, Effect::CutAgent, Effect::ReserveAgent]);
        assert!(call.is_secure());
        assert!(matches!(call.begin(Mode::IvrOnly, 0), Err(SecureError::WrongState { .. })), "not twice");
    }

    /// State and effects after each event, in each mode: SPEC 4.3's table.
    #[test]
    fn every_event_does_in_every_mode_what_the_table_says() {
        use Effect::{Disconnect, ReleaseAgent, RestoreAgent, RestoreLogs, RestoreRecorder, Transfer};
        type Event = fn(&mut SecureCall) -> Result<Vec<Effect>, SecureError>;
        let events: [(&str, Event); 6] = [
            ("return", |c| c.return_to_agent(&[]).map(|(e, _)| e)),
            ("transfer", |c| c.transfer(true)),
            ("transfer nowhere", |c| c.transfer(false)),
            ("disconnect", SecureCall::disconnect),
            ("agent hangs up", SecureCall::agent_hangup),
            ("timeout", SecureCall::timeout),
        ];
        for mode in [Mode::AgentReturns, Mode::AgentReleased, Mode::IvrOnly] {
            for (name, event) in events {
                let mut call = secure(mode);
                let got = event(&mut call);
                let reserved = mode == Mode::AgentReturns;
                let ending = |last| if reserved { vec![ReleaseAgent, last] } else { vec![last] };
                let (effects, state) = match name {
                    "return" if reserved => (Ok(vec![RestoreRecorder, RestoreLogs, RestoreAgent]), State::Normal),
                    "return" => (Err(SecureError::NotAllowed { mode }), State::Secure(mode)),
                    "transfer" => (Ok(ending(Transfer)), State::Ended),
                    "agent hangs up" if reserved => (Ok(vec![Disconnect]), State::Ended),
                    "agent hangs up" => (Ok(vec![]), State::Secure(mode)),
                    _ => (Ok(ending(Disconnect)), State::Ended),
                };
                assert_eq!((got, call.state()), (effects, state), "{mode:?} {name}");
                let gone = call.secret("card").is_err();
                assert_eq!(gone, !call.is_secure(), "{mode:?} {name}: secrets live as long as the passage");
                if call.state() == State::Ended {
                    assert!(events.iter().all(|(_, e)| e(&mut call).is_err()), "over is over");
                }
            }
        }
        let mut queued = SecureCall::new(true, AgentHangup::Queue, TimeoutPolicy::Return);
        queued.begin(Mode::AgentReturns, 0).unwrap();
        assert_eq!(queued.agent_hangup().unwrap(), [Effect::QueueCaller]);
        let mut back = SecureCall::new(true, AgentHangup::default(), TimeoutPolicy::Return);
        back.begin(Mode::AgentReturns, 0).unwrap();
        back.timeout().unwrap();
        assert_eq!(back.state(), State::Normal);
    }

    #[test]
    fn a_secret_leaves_only_in_part_with_a_name_and_a_note() {
        let mut call = secure(Mode::AgentReturns);
        assert_eq!(call.extract("card", ExtractRule::Last(4), " ", 7), Err(SecureError::NotAcknowledged));
        assert_eq!(call.extract("card", ExtractRule::Last(5), "desk 4", 7), Err(SecureError::Rule));
        assert_eq!(call.extract("cvv", ExtractRule::Last(4), "desk 4", 7), Err(SecureError::NoSuchSecret));
        assert_eq!(call.extract("card", ExtractRule::Last(4), "desk 4", 7).unwrap(), "1111");
        call.keep("cvv", SecretBytes::new(b"123".to_vec())).unwrap();
        assert_eq!(
            call.extract("cvv", ExtractRule::Last(2), "desk 4", 8),
            Err(SecureError::Rule),
            "two of three is most of it"
        );
        assert_eq!(call.audit().len(), 1);
        assert!(!format!("{:?}", call.audit()).contains("1111"));
        let (_, handed) = call.return_to_agent(&["card", "confirmation"]).unwrap();
        assert_eq!(handed, ["confirmation"], "a secret is never handed over");
        assert!(call.keep("late", SecretBytes::new(vec![1])).is_err());
    }
}
