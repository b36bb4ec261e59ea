//! `vouch contact`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `vouch contact ...`
#[derive(Subcommand, Debug)]
pub enum ContactCommand {
    /// Put contact records into the archive, one on each line as Connect streams them, with what is found of them in a folder. A record that comes twice or late is
    /// told by its LastUpdateTimestamp.
    Import {
        /// The records; `-` reads standard input.
        #[arg(default_value = "-")]
        records: PathBuf,
        /// Recordings and analysed transcripts, named as `vouch redact` and Contact Lens name them; folders below are gone through.
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
        /// The key of transcripts that `vouch redact` sealed.
        #[arg(long, value_name = "FILE", requires = "files")]
        original_key: Option<PathBuf>,
        /// How long contacts are kept, from their beginning.
        #[arg(long, default_value_t = cli_store::DEFAULT_RETENTION_DAYS, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        retention_days: u32,
    },
    /// Put a recording or an analysed transcript beside a contact.
    Attach {
        /// The contact.
        contact: String,
        /// The redacted recording.
        #[arg(long, value_name = "FILE")]
        redacted_recording: Option<PathBuf>,
        /// The recording as it was.
        #[arg(long, value_name = "FILE")]
        recording: Option<PathBuf>,
        /// The redacted transcript.
        #[arg(long, value_name = "FILE")]
        redacted_transcript: Option<PathBuf>,
        /// The transcript as it was.
        #[arg(long, value_name = "FILE")]
        transcript: Option<PathBuf>,
    },
    /// Show a contact's record, as much of it as one may see.
    Show {
        /// The contact.
        contact: String,
    },
    /// Show a contact's transcript, or take it away: to a file or a pipe is a right of its own.
    Transcript(ContactCopy),
    /// Take a contact's recording away.
    Recording(ContactCopy),
    /// Find contacts.
    #[command(visible_alias = "list")]
    Search {
        /// What is to be found.
        #[command(flatten)]
        filter: ContactFilterArgs,
        /// Most contacts.
        #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        max: u32,
    },
    /// Write the records of contacts as JSON lines, 3,000 at most, filtered by the privacy configuration of the domain: without one,
    /// Operata's 39 mandatory fields leave.
    Export {
        /// What is to be found.
        #[command(flatten)]
        filter: ContactFilterArgs,
        /// Where; standard output unless given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The key under which fields are encrypted; made where it is not there.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Delete a contact with its recordings and transcripts.
    Delete {
        /// The contact.
        contact: String,
        /// Yes, for good.
        #[arg(long)]
        yes: bool,
    },
    /// Erase the contacts whose time is over.
    Purge,
}

/// A copy of what a contact said.
#[derive(Args, Debug)]
pub struct ContactCopy {
    /// The contact.
    pub contact: String,
    /// Where it is written; standard output unless given.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Why; needed for what was not redacted, and kept in the audit.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// As it was, though there is a redacted copy: for the domain's owner.
    #[arg(long)]
    pub original: bool,
}

/// Which contacts.
#[derive(Args, Debug, Default)]
pub struct ContactFilterArgs {
    /// This contact, whatever else is asked.
    #[arg(long, value_name = "CONTACT")]
    pub id: Option<String>,
    /// Words and phrases with commas between them, 128 characters at most: a phrase in quotes is found word after word.
    #[arg(long, value_name = "WORDS")]
    pub words: Option<String>,
    /// All words and phrases; one is enough otherwise.
    #[arg(long, requires = "words")]
    pub all_words: bool,
    /// Said by: agent, customer, system; anybody unless given.
    #[arg(long, value_name = "WHO", value_delimiter = ',', requires = "words", value_parser = said_by)]
    pub by: Vec<cli_store::SaidBy>,
    /// From this day or moment on (2026-11-01, 2026-11-01T08:00:00Z) [default: 55 days ago].
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub from: Option<i64>,
    /// To before this day or moment, eight weeks later at most.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub to: Option<i64>,
    /// Any of these agents.
    #[arg(long, value_name = "USER", value_delimiter = ',')]
    pub agent: Vec<String>,
    /// Any of these queues.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub queue: Vec<String>,
    /// Any of these channels: VOICE, CHAT, TASK.
    #[arg(long, value_name = "CHANNEL", value_delimiter = ',')]
    pub channel: Vec<String>,
    /// Sentiment, -5 to 5: WHO:FROM:TO for the whole conversation, WHO-begin:FROM:TO and WHO-end:FROM:TO for a shift; e.g. customer-end:-5:-2.
    #[arg(long, value_name = "SCORE", value_parser = score, allow_hyphen_values = true)]
    pub sentiment: Vec<ScoreArg>,
    /// Non-talk time, in seconds or percent: 30-120, 20%-50%.
    #[arg(long, value_name = "RANGE", value_parser = non_talk)]
    pub non_talk: Option<NonTalkArg>,
    /// Any of these categories.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub category: Vec<String>,
    /// All of the categories; one is enough otherwise.
    #[arg(long, requires = "category")]
    pub all_categories: bool,
    /// Any of these results: Authenticated, Not Authenticated, Not Enrolled, Opted Out, Inconclusive, Error.
    #[arg(long, value_name = "RESULT", value_delimiter = ',')]
    pub authentication: Vec<String>,
    /// Any of these results: High Risk, Low Risk, Inconclusive, Error.
    #[arg(long, value_name = "RESULT", value_delimiter = ',')]
    pub fraud: Vec<String>,
    /// Any of these reasons: KNOWN_FRAUDSTER, VOICE_SPOOFING.
    #[arg(long, value_name = "REASON", value_delimiter = ',')]
    pub fraud_reason: Vec<String>,
    /// Any of these: ENROLLED, OPTED_OUT.
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    pub speaker_action: Vec<String>,
}

/// A range of sentiment scores.
#[derive(Clone, Copy, Debug)]
pub struct ScoreArg(pub cli_store::Score);

/// A range of non-talk time.
#[derive(Clone, Copy, Debug)]
pub enum NonTalkArg {
    /// In milliseconds.
    Millis(i64, i64),
    /// In percent of the conversation.
    Percent(f64, f64),
}

fn said_by(text: &str) -> Result<cli_store::SaidBy, String> {
    match text {
        "agent" => Ok(cli_store::SaidBy::Agent),
        "customer" => Ok(cli_store::SaidBy::Customer),
        "system" => Ok(cli_store::SaidBy::System),
        _ => Err("agent, customer or system".to_owned()),
    }
}

fn moment(text: &str) -> Result<i64, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let parsed = whole.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond);
    parsed.map_err(|_| "a day such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z".to_owned())
}

fn score(text: &str) -> Result<ScoreArg, String> {
    use cli_store::{Score, ScoreOf};
    let parsed = || {
        let mut parts = text.split(':');
        let (what, from, to) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (who, of) = match what.split_once('-') {
            Some((who, "begin")) => (who, ScoreOf::Begin),
            Some((who, "end")) => (who, ScoreOf::End),
            Some(_) => return None,
            None => (what, ScoreOf::Overall),
        };
        parts.next().is_none().then_some(ScoreArg(Score { who: said_by(who).ok()?, of, from, to }))
    };
    parsed().ok_or_else(|| "WHO:FROM:TO, WHO-begin:FROM:TO or WHO-end:FROM:TO, as in customer-end:-5:-2".to_owned())
}

fn non_talk(text: &str) -> Result<NonTalkArg, String> {
    let parsed = || {
        let (from, to) = text.split_once('-')?;
        match (from.strip_suffix('%'), to.strip_suffix('%')) {
            (Some(from), Some(to)) => Some(NonTalkArg::Percent(from.parse().ok()?, to.parse().ok()?)),
            (None, None) => {
                let ms = |s: &str| s.parse::<f64>().ok().filter(|s| (0.0..1e9).contains(s)).map(|s| (s * 1e3) as i64);
                Some(NonTalkArg::Millis(ms(from)?, ms(to)?))
            }
            _ => None,
        }
    };
    parsed().ok_or_else(|| "seconds or percent, as in 30-120 or 20%-50%".to_owned())
}
