//! `vouch verify`: is this the person that the caller claims to be?

use anyhow::{Context, Result};
use cli_app::analysis::{Toolkit, open_channel};
use cli_app::live::{Journal, Line, LineOptions};
use cli_app::watch;
use cli_store::SpeakerId;
use cli_wire::voice_id::Report;
use engine::call::{Authentication, Listening, Settings};
use engine::score::AuthPolicy;
use serde::Serialize;

use crate::args::{Global, VerifyArgs};
use crate::outcome::{Exit, Output, fraud_line, stages_line};
use crate::progress;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Verified {
    #[serde(flatten)]
    report: Report,
    branch: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fraud_branch: Option<&'static str>,
    signal_to_noise_db: Option<f32>,
}

pub(super) fn run(global: &Global, out: Output, args: &VerifyArgs) -> Result<Exit> {
    let policy = AuthPolicy::new(args.threshold, f64::from(args.min_speech))?;
    let id: SpeakerId = args.speaker.parse().with_context(|| format!("--speaker {}", args.speaker))?;
    let tools = Toolkit::load(global)?;
    let domain = global.open()?;
    let (mut source, rate) = open_channel(&args.file, &args.input)?;
    let name = source.file().name().to_owned();

    let options = LineOptions {
        rate,
        listening: Listening::UntilEnd,
        enrollment: None,
        agent: false,
        name: None,
        at_end_only: true,
    };
    let mut line = Line::open(&tools, &domain, options, Journal::of(global)?)?;
    line.set_speaker(Some(&id))?;
    let (fraud, ids) = watch::asked(&domain, &tools, args.fraud.watchlist.as_deref(), args.fraud.fraud_threshold)?;
    let authentication = Some(Authentication { policy, early: false });
    line.set(Settings { streaming: true, authentication, fraud }, ids)?;

    let bar = progress::audio_bar(&name, source.spec().duration_s(), global.quiet);
    let mut chunk = Vec::new();
    while source.next_chunk(&mut chunk)? > 0 {
        let standing = line.call.push(&chunk).with_context(|| name.clone())?;
        bar.set_position(standing.samples / u64::from(rate.hz()));
    }
    bar.finish_and_clear();
    line.finish()?;
    let now = line.evaluate()?;
    let quality = line.call.session().quality();
    let verified = Verified {
        report: line.report()?,
        branch: now.authentication.map_or("NotEnabled", |a| a.decision.branch().as_str()),
        fraud_branch: now.fraud.map(|f| if f.unknown_list { "Error" } else { f.decision.branch().as_str() }),
        signal_to_noise_db: quality.snr_db,
    };
    out.print(&verified, |v| text(v, &args.speaker))?;
    Ok(Exit::of_call(&now))
}

fn text(v: &Verified, speaker: &str) -> String {
    let r = &v.report;
    let mut lines = Vec::new();
    if let Some(auth) = &r.authentication_result {
        let threshold = auth.configuration.acceptance_threshold;
        let mut line = match auth.score {
            Some(score) => {
                let net = r.net_speech_seconds;
                format!("{}  score {score} (threshold {threshold}), {net:.1} s of net speech", auth.decision)
            }
            None if v.branch == "Inconclusive" => format!(
                "{}  {:.1} s of net speech, {:.1} s more needed",
                auth.decision, r.net_speech_seconds, r.missing_speech_seconds
            ),
            None => format!("{}  {speaker}", auth.decision),
        };
        if r.extrapolated {
            line.push_str("; beyond what the calibration's trials can support (extrapolated)");
        }
        lines.push(line);
        lines.extend(stages_line(&r.stages));
    }
    if let Some(fraud) = &r.fraud_detection_result {
        lines.push(fraud_line(fraud, v.fraud_branch == Some("Error")));
    }
    lines.join("\n")
}
