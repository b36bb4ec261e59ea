//! `vouch listen`: the microphone, live.

use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cli_store::{Consent, Domain, Enrolment, Lookup, ModelId, SpeakerId};
use engine::audio::SampleRate;
use engine::enroll::{EnrollConfig, Enroller, RecordingEvidence};
use engine::score::{AuthPolicy, Claim, Conditions, Decision, Score, decide};
use engine::session::{Session, SessionConfig};
use engine::template::{Embedding, Template};
use hound::{SampleFormat, WavSpec, WavWriter};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::analysis::Toolkit;
use crate::args::{Global, ListenArgs};
use crate::mic::{self, Capture};
use crate::outcome::{Exit, Output, columns};

const TICK: Duration = Duration::from_millis(50);
/// Level at the left end of the meter; the right end is full scale.
const QUIETEST_DBFS: f32 = -60.0;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Heard {
    device: String,
    decision: Option<&'static str>,
    branch: Option<&'static str>,
    score: Option<u8>,
    acceptance_threshold: u8,
    enrolled: bool,
    reasons: Vec<String>,
    net_speech_seconds: f64,
    missing_speech_seconds: f64,
    seconds: f64,
    overrun_samples: u64,
}

/// What the live meter shows.
struct Meter {
    all: MultiProgress,
    level: ProgressBar,
    speech: ProgressBar,
    score: ProgressBar,
}

impl Meter {
    fn new(wanted_s: f64, quiet: bool) -> Self {
        let hidden = quiet || !std::io::stderr().is_terminal();
        let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(15) };
        let all = MultiProgress::with_draw_target(target);
        let bar = |length: u64, name: &str| {
            let bar = all.add(ProgressBar::new(length));
            let style = ProgressStyle::with_template("{prefix:<11} {bar:40.cyan/dim} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
            bar.set_prefix(name.to_owned());
            bar
        };
        let (level, speech, score) =
            (bar(1000, "level"), bar((wanted_s * 100.0) as u64, "net speech"), bar(100, "score"));
        Self { all, level, speech, score }
    }

    fn show_level(&self, samples: &[f32]) {
        let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32;
        let dbfs = (10.0 * power.max(1e-12).log10()).max(QUIETEST_DBFS);
        self.level.set_position((1000.0 * (1.0 - dbfs / QUIETEST_DBFS)).clamp(0.0, 1000.0) as u64);
        self.level.set_message(format!("{dbfs:>4.0} dBFS"));
    }

    fn show_speech(&self, now_s: f64, wanted_s: f64, overruns: u64) {
        self.speech.set_position((now_s * 100.0) as u64);
        let lost = if overruns > 0 { format!("  ({overruns} samples lost)") } else { String::new() };
        self.speech.set_message(format!("{now_s:.1} of {wanted_s:.0} s{lost}"));
    }

    fn show_score(&self, score: Option<Score>, decision: Decision, threshold: u8) {
        match score {
            Some(score) => {
                self.score.set_position(u64::from(score.value()));
                self.score.set_message(format!("{:>3} (threshold {threshold})  {decision}", score.value()));
            }
            None => self.score.set_message(format!("{decision}")),
        }
    }

    fn clear(&self) {
        // A meter that cannot be wiped is only untidy.
        let _ = self.all.clear();
    }
}

/// Writes what is heard, under its name only when it is whole. Only the owner may read it.
struct Recorder {
    writer: WavWriter<BufWriter<File>>,
    file: NamedTempFile,
    path: PathBuf,
}

impl Recorder {
    fn new(path: &Path, rate_hz: u32) -> Result<Self> {
        let name = || path.display().to_string();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder).with_context(name)?;
        let spec = WavSpec { channels: 1, sample_rate: rate_hz, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let writer = WavWriter::new(BufWriter::new(file.reopen().with_context(name)?), spec).with_context(name)?;
        Ok(Self { writer, file, path: path.to_owned() })
    }

    fn keep(self) -> Result<()> {
        let name = self.path.display().to_string();
        self.writer.finalize().with_context(|| name.clone())?;
        self.file.as_file().sync_all().with_context(|| name.clone())?;
        self.file.persist(&self.path).with_context(|| name)?;
        Ok(())
    }

    fn write(&mut self, samples: &[f32]) -> Result<()> {
        for &x in samples {
            self.writer.write_sample((x * 32768.0).round().clamp(-32768.0, 32767.0) as i16).context("recording")?;
        }
        Ok(())
    }
}

pub(super) fn run(global: &Global, out: Output, args: &ListenArgs) -> Result<Exit> {
    if args.devices {
        let mut rows = vec![vec![String::new(), "device".to_owned(), "name".to_owned()]];
        let devices = mic::devices()?;
        rows.extend(devices.into_iter().map(|d| vec![if d.default { "*" } else { "" }.to_owned(), d.id, d.name]));
        print!("{}", columns(&rows));
        return Ok(Exit::Success);
    }
    let Some(speaker) = &args.speaker else {
        bail!("--speaker: whom should I listen for? (`vouch listen --devices` lists microphones)")
    };
    let id: SpeakerId = speaker.parse().with_context(|| format!("--speaker {speaker}"))?;
    let tools = Toolkit::load(global)?;
    let domain = Domain::open(&global.domain)?;
    if args.enroll && domain.voiceprint(&id).is_ok_and(|l| matches!(l, Lookup::OptedOut)) {
        bail!("speaker {speaker} has opted out; delete the speaker first");
    }

    let stop = Arc::new(AtomicBool::new(false));
    let ask = Arc::clone(&stop);
    ctrlc::set_handler(move || ask.store(true, Ordering::Relaxed)).context("Ctrl-C")?;
    let mut capture = Capture::open(args.device.as_deref())?;
    let rate_hz = capture.rate_hz();
    if !global.quiet {
        eprintln!("listening to {} at {rate_hz} Hz; Ctrl-C ends", capture.name());
    }
    let recorder = args.record.as_deref().map(|path| Recorder::new(path, rate_hz)).transpose()?;
    let config = SessionConfig::new(SampleRate::new(rate_hz).with_context(|| capture.name().to_owned())?);
    let model = &tools.model;
    let mut room = Room { args, tools: &tools, domain: &domain, id: &id, stop: &stop, recorder, global };
    if args.enroll {
        let session = Session::with_windows(config, model.embedder(), model.detector(), model.embedder())?;
        room.enroll(out, &mut capture, session)
    } else {
        room.verify(out, &mut capture, Session::new(config, model.embedder(), model.detector())?)
    }
}

struct Room<'a> {
    args: &'a ListenArgs,
    tools: &'a Toolkit,
    domain: &'a Domain,
    id: &'a SpeakerId,
    stop: &'a AtomicBool,
    recorder: Option<Recorder>,
    global: &'a Global,
}

impl Room<'_> {
    /// Pushes what is captured until `enough`, Ctrl-C or `--seconds`.
    fn hear(
        &mut self,
        capture: &mut Capture,
        session: &mut Session,
        meter: &Meter,
        wanted_s: f64,
        mut enough: impl FnMut(&Session) -> Result<bool>,
    ) -> Result<()> {
        let mut samples = Vec::new();
        let mut told = 0;
        while !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            capture.read(&mut samples)?;
            let lost = capture.overruns() - told;
            if lost > 0 {
                told += lost;
                session.push_lost(usize::try_from(lost).unwrap_or(usize::MAX).min(1 << 24))?;
            }
            if samples.is_empty() {
                continue;
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.write(&samples)?;
            }
            let now = session.push(&samples).with_context(|| capture.name().to_owned())?;
            meter.show_level(&samples);
            meter.show_speech(now.net_speech_s(), wanted_s, told);
            let limit = self.args.seconds.map(|s| u64::from(s) * u64::from(capture.rate_hz()));
            if enough(session)? || limit.is_some_and(|limit| now.samples >= limit) {
                break;
            }
        }
        Ok(())
    }

    fn keep_recording(&mut self) -> Result<()> {
        self.recorder.take().map_or(Ok(()), Recorder::keep)
    }

    fn verify(&mut self, out: Output, capture: &mut Capture, mut session: Session) -> Result<Exit> {
        let policy = AuthPolicy::new(self.args.threshold, f64::from(self.args.min_speech))?;
        let lookup = self.domain.voiceprint(self.id)?;
        let (claim, template) = match &lookup {
            Lookup::Enrolled(print) => {
                (Claim::Enrolled, Some(Template::from_bytes(print.template()).context("stored voiceprint")?))
            }
            Lookup::NotEnrolled => (Claim::NotEnrolled, None),
            Lookup::OptedOut => (Claim::OptedOut, None),
            Lookup::Expired => (Claim::Expired, None),
        };
        let tools = self.tools;
        let mut values = vec![0.0; tools.model.dim()];
        let mut judge = |session: &Session| -> Result<(Option<Score>, Decision)> {
            let net_s = session.progress().net_speech_s();
            let mut score = None;
            if let Some(template) = &template
                && session.embedding(&mut values)
            {
                let cosine = template.cosine(&Embedding::new(session.model_id(), &values)?)?;
                let conditions = Conditions::new(net_s, template.net_speech_s())?;
                score = Some(tools.calibration.score(cosine, conditions)?);
            }
            Ok((score, decide(claim, net_s, score, policy)))
        };
        let meter = Meter::new(policy.min_speech_s(), self.global.quiet);
        let (threshold, stay) = (self.args.threshold, self.args.stay);
        self.hear(capture, &mut session, &meter, policy.min_speech_s(), |session| {
            let (score, decision) = judge(session)?;
            meter.show_score(score, decision, threshold);
            Ok(!stay && decision != Decision::NotEnoughSpeech)
        })?;
        meter.clear();
        let end = session.finish();
        let (score, decision) = judge(&session)?;
        self.keep_recording()?;
        if decision == Decision::Accept {
            self.domain.touch_authenticated(self.id)?;
        }
        let decided = matches!(decision, Decision::Accept | Decision::Reject);
        let heard = Heard {
            device: capture.name().to_owned(),
            decision: Some(decision.as_str()),
            branch: Some(decision.branch().as_str()),
            score: score.filter(|_| decided).map(Score::value),
            acceptance_threshold: self.args.threshold,
            enrolled: claim == Claim::Enrolled,
            reasons: Vec::new(),
            net_speech_seconds: end.net_speech_s(),
            missing_speech_seconds: (policy.min_speech_s() - end.net_speech_s()).max(0.0),
            seconds: end.samples as f64 / f64::from(capture.rate_hz()),
            overrun_samples: capture.overruns(),
        };
        out.print(&heard, |h| {
            let score =
                h.score.map_or_else(String::new, |s| format!("  score {s} (threshold {})", h.acceptance_threshold));
            format!("{decision}{score}, {:.1} s of net speech in {:.1} s", h.net_speech_seconds, h.seconds)
        })?;
        Ok(Exit::of(decision))
    }

    fn enroll(&mut self, out: Output, capture: &mut Capture, mut session: Session) -> Result<Exit> {
        let wanted_s = self.args.wanted_speech;
        let config = EnrollConfig::default().wanted_speech_s(wanted_s).least_speech_s(wanted_s.min(12.0));
        let mut enroller = Enroller::new(config)?;
        let meter = Meter::new(wanted_s, self.global.quiet);
        meter.score.set_message("speak freely, about anything");
        self.hear(capture, &mut session, &meter, wanted_s, |s| Ok(s.progress().net_speech_s() >= wanted_s))?;
        meter.clear();
        let end = session.finish();
        let mut values = vec![0.0; self.tools.model.dim()];
        let quality = session.quality();
        enroller.add(RecordingEvidence {
            embedding: match session.embedding(&mut values) {
                true => Some(Embedding::new(session.model_id(), &values)?),
                false => None,
            },
            windows: session.windows().to_vec().into(),
            net_speech_s: end.net_speech_s(),
            snr_db: quality.snr_db,
            clipped_share: quality.clipped_share,
            bandwidth_hz: quality.bandwidth_hz,
        })?;
        self.keep_recording()?;
        let mut heard = Heard {
            device: capture.name().to_owned(),
            decision: None,
            branch: None,
            score: None,
            acceptance_threshold: self.args.threshold,
            enrolled: false,
            reasons: Vec::new(),
            net_speech_seconds: end.net_speech_s(),
            missing_speech_seconds: (wanted_s - end.net_speech_s()).max(0.0),
            seconds: end.samples as f64 / f64::from(capture.rate_hz()),
            overrun_samples: capture.overruns(),
        };
        let exit = match enroller.finish() {
            Ok(template) => {
                let bytes = template.to_bytes();
                let mut enrolment =
                    Enrolment::new(ModelId(self.tools.model.id().0), &bytes).overwrite(self.args.overwrite);
                if let Some(note) = &self.args.consent {
                    enrolment = enrolment.consent(Consent::new(note.as_str(), "vouch listen"));
                }
                self.domain.put_voiceprint(self.id, enrolment)?;
                heard.enrolled = true;
                Exit::Success
            }
            Err(refusal) => {
                heard.reasons = refusal.reasons().map(ToString::to_string).collect();
                Exit::EnrollmentRefused
            }
        };
        out.print(&heard, |h| match h.enrolled {
            true => format!("enrolled from {:.1} s of net speech", h.net_speech_seconds),
            false => format!("not enrolled\n  {}", h.reasons.join("\n  ")),
        })?;
        Ok(exit)
    }
}
