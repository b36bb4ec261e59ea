//! How audio files are read.

use clap::Args;
use cli_app::analysis;
use cli_audio::{ChannelChoice, RawFormat};

/// How audio files are read.
#[derive(Args, Debug, Clone)]
pub struct Input {
    /// Which channel of a file with several: left, right, a number from 0 (Voice ID's ChannelId), or mix.
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<ChannelChoice>,
    /// Read files (and `-`, standard input) as headerless audio, e.g. ulaw@8000 or s16le@16000x2.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<RawFormat>,
}

impl From<&Input> for analysis::Input {
    fn from(i: &Input) -> Self {
        Self { channel: i.channel, format: i.format }
    }
}
