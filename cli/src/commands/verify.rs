//! `vouch verify`: is this the person that the caller claims to be?

use anyhow::{Context, Result};
use cli_store::{Domain, Lookup, SpeakerId};
use engine::score::{AuthPolicy, Claim, Conditions, Decision, Score, decide};
use engine::template::Template;
use serde::Serialize;

use super::compare::embedding;
use crate::analysis::{Recording, Toolkit, Wanted};
use crate::args::{Global, VerifyArgs};
use crate::outcome::{Exit, Output};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    acceptance_threshold: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AuthenticationResult {
    customer_speaker_id: String,
    generated_speaker_id: Option<String>,
    decision: &'static str,
    score: Option<u8>,
    configuration: Configuration,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    domain_id: String,
    streaming_status: &'static str,
    authentication_result: AuthenticationResult,
    branch: &'static str,
    extrapolated: bool,
    net_speech_seconds: f64,
    minimum_speech_seconds: f64,
    missing_speech_seconds: f64,
    signal_to_noise_db: Option<f32>,
}

pub(super) fn run(global: &Global, out: Output, args: &VerifyArgs) -> Result<Exit> {
    let policy = AuthPolicy::new(args.threshold, f64::from(args.min_speech))?;
    let id: SpeakerId = args.speaker.parse().with_context(|| format!("--speaker {}", args.speaker))?;
    let tools = Toolkit::load(global)?;
    let domain = Domain::open(&global.domain)?;
    let recording = tools.analyse_file(&args.file, &args.input, Wanted::default(), |_| ())?;
    let lookup = domain.voiceprint(&id)?;

    let claim = match &lookup {
        Lookup::Enrolled(_) => Claim::Enrolled,
        Lookup::NotEnrolled => Claim::NotEnrolled,
        Lookup::OptedOut => Claim::OptedOut,
        Lookup::Expired => Claim::Expired,
    };
    let (score, generated) = match &lookup {
        Lookup::Enrolled(print) => {
            let template = Template::from_bytes(print.template()).context("stored voiceprint")?;
            (score(&tools, &template, &recording)?, Some(print.generated_speaker_id().to_string()))
        }
        _ => (None, None),
    };
    let net = recording.net_speech_s;
    let decision = decide(claim, net, score, policy);
    if decision == Decision::Accept {
        domain.touch_authenticated(&id)?;
    }
    let decided = matches!(decision, Decision::Accept | Decision::Reject);
    let report = Report {
        domain_id: domain.id().to_string(),
        streaming_status: "ENDED",
        authentication_result: AuthenticationResult {
            customer_speaker_id: args.speaker.clone(),
            generated_speaker_id: generated,
            decision: decision.as_str(),
            score: score.filter(|_| decided).map(Score::value),
            configuration: Configuration { acceptance_threshold: args.threshold },
        },
        branch: decision.branch().as_str(),
        extrapolated: decided && score.is_some_and(Score::extrapolated),
        net_speech_seconds: net,
        minimum_speech_seconds: policy.min_speech_s(),
        missing_speech_seconds: (policy.min_speech_s() - net).max(0.0),
        signal_to_noise_db: recording.quality.snr_db,
    };
    out.print(&report, |r| text(r, decision))?;
    Ok(Exit::of(decision))
}

/// The score of a call against a voiceprint; `None` without speech. A voiceprint of another network is an error.
pub(super) fn score(tools: &Toolkit, template: &Template, recording: &Recording) -> Result<Option<Score>> {
    let Some(probe) = embedding(tools, recording)? else { return Ok(None) };
    let cosine = template.cosine(&probe)?;
    let conditions = Conditions::new(recording.net_speech_s, template.net_speech_s())?;
    Ok(Some(tools.calibration.score(cosine, conditions)?))
}

fn text(r: &Report, decision: Decision) -> String {
    let auth = &r.authentication_result;
    let threshold = auth.configuration.acceptance_threshold;
    let mut line = match auth.score {
        Some(score) => {
            format!("{decision}  score {score} (threshold {threshold}), {:.1} s of net speech", r.net_speech_seconds)
        }
        None if decision == Decision::NotEnoughSpeech => format!(
            "{decision}  {:.1} s of net speech, {:.1} s more needed",
            r.net_speech_seconds, r.missing_speech_seconds
        ),
        None => format!("{decision}  {}", auth.customer_speaker_id),
    };
    if r.extrapolated {
        line.push_str("; beyond what the calibration's trials can support (extrapolated)");
    }
    line
}
