//! One live call from the first sample to the exit code, wherever its audio comes from.

use std::path::PathBuf;

use cli_store::{Consent, Domain, SessionAudio, SessionName, SpeakerId};
use cli_wire::voice_id::Report;
use engine::audio::{SampleRate, f32_to_i16};
use engine::call::{Authentication, Evaluation, Listening, Settings, Standing};
use engine::enroll::EnrollConfig;
use engine::score::{AuthPolicy, Claim, Decision, FraudDecision};
use serde::Serialize;

use super::journal::{EventFiles, Journal};
use super::line::{Line, LineOptions};
use super::recorder::Recorder;
use crate::analysis::Toolkit;
use crate::error::{Context, Result, bail};
use crate::watch;

/// What a live call is asked, and what is kept of it.
#[derive(Clone, Debug)]
pub struct LiveRequest {
    /// Who the caller claims to be, or whom to enrol.
    pub speaker: Option<String>,
    /// Accept at or above this score.
    pub threshold: u8,
    /// Net speech before a decision, in seconds.
    pub min_speech_s: f64,
    /// Look for fraud on this watch list.
    pub watchlist: Option<String>,
    /// High risk at or above this.
    pub fraud_threshold: u8,
    /// Decide clear cases before the time.
    pub early: bool,
    /// Go on after the decision, to the end of the call.
    pub stay: bool,
    /// Enrol the caller by voice instead.
    pub enroll: bool,
    /// Net speech to enrol from, in seconds.
    pub wanted_speech_s: f64,
    /// Replace a voiceprint that is there.
    pub overwrite: bool,
    /// What the person agreed to.
    pub consent: Option<String>,
    /// Keep what was heard as a WAV file.
    pub record: Option<PathBuf>,
    /// Keep what was heard, sealed in the domain, for this many hours.
    pub keep_audio_hours: Option<u32>,
    /// The operator's name for the session.
    pub session_name: Option<String>,
}

/// Where a live call's audio comes from.
#[derive(Clone, Debug)]
pub struct LiveSource {
    /// Its rate.
    pub rate: SampleRate,
    /// The microphone, where it is one.
    pub device: Option<String>,
    /// The agent's side comes too.
    pub agent: bool,
}

/// Who watches a live call. Every method may do nothing.
pub trait Meter {
    /// These samples were heard.
    fn level(&self, samples: &[f32]);
    /// So much net speech has come, and so many samples were lost.
    fn speech(&self, now_s: f64, lost: u64);
    /// How the authentication stands.
    fn score(&self, standing: Standing, decision: Decision, threshold: u8);
    /// What the caller should do.
    fn say(&self, text: &'static str);
    /// The call is over.
    fn clear(&self);
}

/// How a live call ended.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Ended {
    /// The microphone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What `EvaluateSession` answers.
    #[serde(flatten)]
    pub report: Report,
    /// The caller was enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolled: Option<bool>,
    /// Why not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusal: Vec<String>,
    /// Length of the call, in seconds.
    pub seconds: f64,
    /// Samples that were lost on the way.
    pub lost_samples: u64,
    /// Samples that were neither heard nor recorded.
    pub silenced_samples: u64,
    /// Another voice seemed to take over during an enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub talker_changed: Option<bool>,
    /// The agent was heard in the caller's channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_bleed: Option<AgentBleed>,
    /// Length of the audio that is kept sealed, in seconds, with --keep-audio; half an hour at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_seconds: Option<f64>,
    /// The last hash of the proof of that, with --record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof_hash: Option<String>,
    /// The decisions that `report` is made of.
    #[serde(skip)]
    pub evaluation: Evaluation,
}

/// How the agent was heard in the caller's channel.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AgentBleed {
    /// Level over the agent's own, in dB.
    pub level_db: f32,
    /// In seconds.
    pub delay_seconds: f64,
    /// Share of the agent's speech, 0 to 1.
    pub share: f32,
}

/// A live call.
pub struct Room<'a> {
    line: Line<'a>,
    args: LiveRequest,
    rate: SampleRate,
    recorder: Option<Recorder>,
    /// What was heard, to be sealed at the end.
    kept: Option<SessionAudio>,
    meter: Box<dyn Meter>,
    decided: Option<Evaluation>,
    lost: u64,
    device: Option<String>,
}

impl<'a> Room<'a> {
    /// Opens the line and asks what `args` ask. `meter` is made for so many seconds of wanted speech.
    ///
    /// # Errors
    /// An argument is malformed, the speaker may not be enrolled, or a file cannot be opened.
    pub fn open(
        tools: &Toolkit,
        domain: &'a Domain,
        source: LiveSource,
        args: impl Into<LiveRequest>,
        events: impl Into<EventFiles>,
        meter: impl FnOnce(f64) -> Box<dyn Meter>,
    ) -> Result<Self> {
        let (args, LiveSource { rate, device, agent }) = (args.into(), source);
        let policy = AuthPolicy::new(args.threshold, args.min_speech_s)?;
        let speaker: Option<SpeakerId> = match &args.speaker {
            Some(id) => Some(id.parse().with_context(|| format!("--speaker {id}"))?),
            None => None,
        };
        let name: Option<SessionName> = match &args.session_name {
            Some(name) => Some(name.parse().with_context(|| format!("--session-name {name}"))?),
            None => None,
        };
        let enrollment = args.enroll.then(|| {
            let wanted = args.wanted_speech_s;
            EnrollConfig::default().wanted_speech_s(wanted).least_speech_s(wanted.min(12.0))
        });
        let listening = if args.stay { Listening::UntilEnd } else { Listening::UntilEnough };
        let journal = Journal::of(events)?;
        let options = LineOptions { rate, listening, enrollment, agent, name, at_end_only: false };
        let mut line = Line::open(tools, domain, options, journal)?;
        line.set_speaker(speaker.as_ref())?;
        if args.enroll {
            let id = args.speaker.as_deref().unwrap_or_default();
            match line.claim() {
                Claim::Enrolled if !args.overwrite => {
                    bail!("speaker {id} has a voiceprint; replace it with --overwrite")
                }
                Claim::OptedOut => bail!("speaker {id} has opted out; delete the speaker first"),
                _ => line.enroll()?,
            }
        }
        if args.early && tools.second.is_some() {
            bail!("--early decides by the network that follows the call, and in this domain another one decides");
        }
        let authentication = (!args.enroll).then_some(Authentication { policy, early: args.early });
        let (fraud, ids) = watch::asked(domain, tools, args.watchlist.as_deref(), args.fraud_threshold)?;
        line.set(Settings { streaming: true, authentication, fraud }, ids)?;
        let recorder = match &args.record {
            Some(path) => Some(Recorder::new(path, rate.hz(), line.session_id().as_str())?),
            None => None,
        };
        let kept = args.keep_audio_hours.map(|_| SessionAudio::new(rate.hz()));
        let meter = meter(if args.enroll { args.wanted_speech_s } else { policy.min_speech_s() });
        if args.enroll {
            meter.say("speak freely, about anything");
        }
        Ok(Self { line, args, rate, recorder, kept, meter, decided: None, lost: 0, device })
    }

    /// Takes samples, and what the agent said meanwhile where the room was opened for that.
    ///
    /// # Errors
    /// A sample cannot be, or a file or the domain cannot be written.
    pub fn hear(&mut self, samples: &[f32], agent: Option<&[f32]>) -> Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.write(samples)?;
        }
        if let Some(kept) = &mut self.kept {
            let secure = self.line.call.is_secure();
            kept.extend(samples.iter().map(|&x| if secure { 0 } else { f32_to_i16(x) }));
        }
        let standing = match agent {
            None => self.line.call.push(samples)?,
            Some(agent) => self.line.call.push_both(samples, agent)?,
        };
        self.line.tell()?;
        self.meter.level(samples);
        self.meter.speech(self.line.call.enrollment().map_or(standing.net_speech_s, |e| e.net_speech_s), self.lost);
        let now = self.line.now();
        if let Some(auth) = now.authentication {
            self.meter.score(standing, auth.decision, self.args.threshold);
        }
        self.decided = Some(now);
        Ok(())
    }

    /// Tells that samples were lost.
    ///
    /// # Errors
    /// As [`Room::hear`].
    pub fn lose(&mut self, samples: usize) -> Result<()> {
        self.lost += samples as u64;
        if let Some(recorder) = &mut self.recorder {
            let zeros = [0.0; 1 << 10];
            let mut left = samples;
            while left > 0 {
                let n = left.min(zeros.len());
                recorder.write(&zeros[..n])?;
                left -= n;
            }
        }
        if let Some(kept) = &mut self.kept {
            kept.extend(std::iter::repeat_n(0, samples));
        }
        self.line.call.push_lost(samples)?;
        self.line.tell()
    }

    /// Begins or ends a secure passage.
    ///
    /// # Errors
    /// The events cannot be written.
    pub fn secure(&mut self, on: bool) -> Result<()> {
        match (on, &mut self.recorder) {
            (true, Some(recorder)) => recorder.begin_secure(),
            (false, Some(recorder)) => recorder.end_secure(),
            _ => {}
        }
        if on {
            self.line.call.begin_secure()
        } else {
            self.line.call.end_secure()
        }
        self.line.tell()
    }

    /// Whether everything asked is answered, so that the call need not be followed any longer.
    pub fn answered(&self) -> bool {
        if self.args.stay || (self.recorder.is_some() || self.kept.is_some()) && self.device.is_none() {
            return false;
        }
        if let Some(e) = self.line.call.enrollment() {
            return e.net_speech_s >= e.wanted_s;
        }
        self.decided.is_some_and(|now| {
            now.authentication.is_none_or(|a| a.decision != Decision::NotEnoughSpeech)
                && now.fraud.is_none_or(|f| f.unknown_list || f.decision != FraudDecision::NotEnoughSpeech)
        })
    }

    /// Ends the call, keeps what is to be kept, and tells how it ended.
    ///
    /// # Errors
    /// A file or the domain cannot be written.
    pub fn close(mut self) -> Result<Ended> {
        self.meter.clear();
        self.line.finish()?;
        let mut enrolled = None;
        let mut refusal = Vec::new();
        if self.args.enroll {
            let consent = self.args.consent.as_ref().map(|note| Consent::new(note.as_str(), "vouch"));
            let kept = self.line.keep_voiceprint(consent, self.args.overwrite)?;
            enrolled = Some(kept.is_ok());
            refusal.extend(kept.err().map(|r| r.to_string()));
        }
        let now = self.line.evaluate()?;
        let report = self.line.report()?;
        let proof = self.recorder.take().map_or(Ok(None), Recorder::keep)?;
        let kept_seconds =
            self.kept.take().map(|audio| self.line.keep_audio(&audio, self.args.keep_audio_hours)).transpose()?;
        let standing = self.line.call.standing();
        Ok(Ended {
            talker_changed: self.line.call.enrollment().map(|e| e.talker_changed),
            agent_bleed: self.line.call.bleed().map(|b| AgentBleed {
                level_db: b.level_db,
                delay_seconds: b.delay_s,
                share: b.share,
            }),
            kept_seconds,
            device: self.device,
            report,
            enrolled,
            refusal,
            seconds: standing.samples as f64 / f64::from(self.rate.hz()),
            lost_samples: self.lost,
            silenced_samples: self.line.call.silenced_samples(),
            proof_hash: proof.map(|p| p.hash),
            evaluation: now,
        })
    }
}
