//! An imported network on recordings: what it hears and what it makes of it, for `peers/campplus.py`, and how long that takes.
//!
//! `imported --model campplus.vouch --out DIR FILE...` writes `N.frames.npy` (net speech, before the mean is taken off) and `N.embedding.npy`
//! for each file.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use cli_audio::{ChannelChoice, MonoReader};
use engine::audio::SampleRate;
use engine::embed::{Embedder, ModelId};
use engine::fbank::FbankConfig;
use engine::session::{Session, SessionConfig};
use models::Model;
use ndarray_npy::WriteNpyExt;

#[derive(Parser)]
struct Args {
    /// The network.
    #[arg(long)]
    model: PathBuf,
    /// Where arrays go.
    #[arg(long)]
    out: PathBuf,
    /// Recordings of one channel.
    files: Vec<PathBuf>,
}

/// Notes what the network is given, and how long it takes.
struct Tap {
    network: Box<dyn Embedder>,
    heard: Arc<Mutex<(Vec<f32>, Duration)>>,
}

impl Embedder for Tap {
    fn model_id(&self) -> ModelId {
        self.network.model_id()
    }

    fn dim(&self) -> usize {
        self.network.dim()
    }

    fn num_mel_bins(&self) -> usize {
        self.network.num_mel_bins()
    }

    fn fbank(&self) -> Option<FbankConfig> {
        self.network.fbank()
    }

    fn push(&mut self, log_mel: &[f32], speech: &[bool]) {
        let start = Instant::now();
        self.network.push(log_mel, speech);
        if let Ok(mut heard) = self.heard.lock() {
            heard.1 += start.elapsed();
            let frames = log_mel.chunks_exact(self.num_mel_bins()).zip(speech).filter(|(_, s)| **s);
            frames.for_each(|(f, _)| heard.0.extend_from_slice(f));
        }
    }

    fn finish(&mut self) {
        let start = Instant::now();
        self.network.finish();
        if let Ok(mut heard) = self.heard.lock() {
            heard.1 += start.elapsed();
        }
    }

    fn embedding(&self, out: &mut [f32]) -> bool {
        self.network.embedding(out)
    }

    fn reset(&mut self) {
        self.network.reset();
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let bytes = std::fs::read(&args.model).with_context(|| args.model.display().to_string())?;
    let model = Model::from_bytes(&bytes)?;
    std::fs::create_dir_all(&args.out)?;
    let (mut network_s, mut whole_s, mut net_s) = (0.0, 0.0, 0.0);
    for (n, path) in args.files.iter().enumerate() {
        let mut source = MonoReader::open(path, None, ChannelChoice::Ask)?;
        let heard = Arc::new(Mutex::new((Vec::new(), Duration::ZERO)));
        let tap = Tap { network: model.embedder_for_files(), heard: Arc::clone(&heard) };
        let rate = SampleRate::new(source.spec().rate_hz)?;
        let mut session = Session::new(SessionConfig::new(rate), Box::new(tap), model.detector())?;
        let mut chunk = Vec::new();
        let start = Instant::now();
        while source.next_chunk(&mut chunk)? > 0 {
            session.push(&chunk)?;
        }
        net_s += session.finish().net_speech_s();
        let mut embedding = vec![0.0f32; model.dim()];
        let any = session.embedding(&mut embedding);
        whole_s += start.elapsed().as_secs_f64();
        let Ok(heard) = heard.lock() else { bail!("a thread died") };
        network_s += heard.1.as_secs_f64();
        if !any {
            println!("{}: too little speech", path.display());
            continue;
        }
        let bins = model.describe().input.1;
        let frames = ndarray::Array2::from_shape_vec((heard.0.len() / bins, bins), heard.0.clone())?;
        frames.write_npy(std::fs::File::create(args.out.join(format!("{n}.frames.npy")))?)?;
        ndarray::Array1::from_vec(embedding)
            .write_npy(std::fs::File::create(args.out.join(format!("{n}.embedding.npy")))?)?;
    }
    println!(
        "{} files, {net_s:.1} s of net speech: network {network_s:.2} s ({:.4} of it), everything {whole_s:.2} s",
        args.files.len(),
        network_s / net_s
    );
    Ok(())
}
