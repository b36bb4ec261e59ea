//! One live call from the first sample to the exit code, wherever its audio comes from.

use std::path::Path;

use anyhow::{Context, Result, bail};
use cli_store::{Consent, Domain, SessionAudio, SessionName, SpeakerId};
use cli_wire::voice_id::Report;
use engine::audio::{SampleRate, f32_to_i16};
use engine::call::{Authentication, Evaluation, Listening, Settings};
use engine::enroll::EnrollConfig;
use engine::score::{AuthPolicy, Claim, Decision, FraudDecision};
use serde::Serialize;

use super::meter::Meter;
use super::recorder::Recorder;
use super::{Journal, Line, LineOptions};
use crate::analysis::Toolkit;
use crate::args::{Global, LiveArgs};
use crate::outcome::{Exit, Output, fraud_line};
use crate::watch;

/// How a live call ended.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ended {
    /// The microphone.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(flatten)]
    report: Report,
    /// The caller was enrolled.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolled: Option<bool>,
    /// Why not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refusal: Vec<String>,
    /// Length of the call, in seconds.
    seconds: f64,
    lost_samples: u64,
    /// Samples that were neither heard nor recorded.
    silenced_samples: u64,
    /// Another voice seemed to take over during an enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    talker_changed: Option<bool>,
    /// The agent was heard in the caller's channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_bleed: Option<AgentBleed>,
    /// Length of the audio that is kept sealed, in seconds, with --keep-audio; half an hour at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_seconds: Option<f64>,
    /// The last hash of the proof of that, with --record.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_hash: Option<String>,
}

/// How the agent was heard in the caller's channel.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AgentBleed {
    /// Level over the agent's own, in dB.
    level_db: f32,
    /// In seconds.
    delay_seconds: f64,
    /// Share of the agent's speech, 0 to 1.
    share: f32,
}

/// A live call.
pub struct Room<'a> {
    line: Line<'a>,
    args: &'a LiveArgs,
    rate: SampleRate,
    recorder: Option<Recorder>,
    /// What was heard, to be sealed at the end.
    kept: Option<SessionAudio>,
    meter: Meter,
    decided: Option<Evaluation>,
    lost: u64,
    device: Option<String>,
}

impl<'a> Room<'a> {
    /// Opens the line and asks what `args` ask. `device` names the microphone, where it is one; `agent`: the agent's side comes too.
    ///
    /// # Errors
    /// An argument is malformed, the speaker may not be enrolled, or a file cannot be opened.
    pub fn open(
        tools: &Toolkit,
        domain: &'a Domain,
        rate: SampleRate,
        args: &'a LiveArgs,
        device: Option<String>,
        agent: bool,
        global: &Global,
    ) -> Result<Self> {
        let policy = AuthPolicy::new(args.threshold, f64::from(args.min_speech))?;
        let speaker: Option<SpeakerId> = match &args.speaker {
            Some(id) => Some(id.parse().with_context(|| format!("--speaker {id}"))?),
            None => None,
        };
        let name: Option<SessionName> = match &args.session_name {
            Some(name) => Some(name.parse().with_context(|| format!("--session-name {name}"))?),
            None => None,
        };
        let enrollment = args.enroll.then(|| {
            let wanted = args.wanted_speech;
            EnrollConfig::default().wanted_speech_s(wanted).least_speech_s(wanted.min(12.0))
        });
        let listening = if args.stay { Listening::UntilEnd } else { Listening::UntilEnough };
        let journal = Journal::of(global)?;
        let mut line = Line::open(tools, domain, LineOptions { rate, listening, enrollment, agent, name }, journal)?;
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
        let authentication = (!args.enroll).then_some(Authentication { policy, early: args.early });
        let (fraud, ids) = watch::asked(domain, tools, args.watchlist.as_deref(), args.fraud_threshold)?;
        line.set(Settings { streaming: true, authentication, fraud }, ids)?;
        let recorder = match &args.record {
            Some(path) => Some(Recorder::new(path, rate.hz(), line.session_id().as_str())?),
            None => None,
        };
        let kept = args.keep_audio.map(|_| SessionAudio::new(rate.hz()));
        let meter = Meter::new(if args.enroll { args.wanted_speech } else { policy.min_speech_s() }, global.quiet);
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
        let now = self.line.call.evaluate();
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

    /// Ends the call, keeps what is to be kept, and prints how it ended.
    ///
    /// # Errors
    /// A file or the domain cannot be written.
    pub fn close(mut self, out: Output) -> Result<Exit> {
        self.meter.clear();
        self.line.finish()?;
        let mut enrolled = None;
        let mut refusal = Vec::new();
        let mut exit = None;
        if self.args.enroll {
            let consent = self.args.consent.as_ref().map(|note| Consent::new(note.as_str(), "vouch"));
            let kept = self.line.keep_voiceprint(consent, self.args.overwrite)?;
            exit = Some(if kept.is_ok() { Exit::Success } else { Exit::EnrollmentRefused });
            enrolled = Some(kept.is_ok());
            refusal.extend(kept.err().map(|r| r.to_string()));
        }
        let now = self.line.evaluate()?;
        let report = self.line.report()?;
        let proof = self.recorder.take().map_or(Ok(None), Recorder::keep)?;
        let kept_seconds =
            self.kept.take().map(|audio| self.line.keep_audio(&audio, self.args.keep_audio)).transpose()?;
        let standing = self.line.call.standing();
        let ended = Ended {
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
        };
        let record = self.args.record.as_deref();
        out.print(&ended, |e| text(e, record))?;
        Ok(exit.unwrap_or_else(|| Exit::of_call(&now)))
    }
}

fn text(e: &Ended, record: Option<&Path>) -> String {
    let heard = format!("{:.1} s of net speech in {:.1} s", e.report.net_speech_seconds, e.seconds);
    let mut lines = Vec::new();
    if let Some(enrolled) = e.enrolled {
        lines.push(if enrolled { "enrolled".to_owned() } else { format!("not enrolled: {}", e.refusal.join("; ")) });
    }
    if let Some(auth) = &e.report.authentication_result {
        let score = auth.score.map_or_else(String::new, |s| {
            format!("  score {s} (threshold {})", auth.configuration.acceptance_threshold)
        });
        let early = if e.report.early { ", decided early" } else { "" };
        lines.push(format!("{}{score}, {heard}{early}", auth.decision));
    }
    if let Some(fraud) = &e.report.fraud_detection_result {
        let unknown = e.report.voice_id_result.fraud_detection.as_ref().is_some_and(|f| f.result == "Error");
        lines.push(fraud_line(fraud, unknown));
    }
    if e.talker_changed == Some(true) {
        lines.push("another voice seems to have taken over during the enrolment".to_owned());
    }
    if let Some(bleed) = &e.agent_bleed {
        let (level, share) = (bleed.level_db, 100.0 * bleed.share);
        lines.push(format!("the agent is heard in the caller's channel, at {level:.0} dB, {share:.0} % of it"));
    }
    if e.silenced_samples > 0 {
        lines.push(format!("{} samples in secure passages were neither heard nor recorded", e.silenced_samples));
    }
    if let Some(seconds) = e.kept_seconds {
        lines.push(format!("{seconds:.1} s of session {} kept sealed", e.report.session_id));
    }
    if let Some(path) = record {
        lines.push(format!("recorded to {}", path.display()));
    }
    lines.join("\n")
}
