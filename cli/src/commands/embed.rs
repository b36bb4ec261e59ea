//! `vouch embed`: embeddings as a NumPy array, for those who want the vectors themselves.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cli_app::analysis::{Toolkit, Wanted};
use cli_app::workers::pool;
use rayon::prelude::*;
use serde::Serialize;

use crate::args::{Global, Input};
use crate::outcome::{Exit, Output};
use crate::progress;

#[derive(Serialize)]
struct Row<'a> {
    file: &'a Path,
    net_speech_s: f64,
}

#[derive(Serialize)]
struct Report<'a> {
    out: &'a Path,
    model: String,
    shape: [usize; 2],
    rows: Vec<Row<'a>>,
}

pub(super) fn run(
    global: &Global,
    out: Output,
    files: &[PathBuf],
    array: &Path,
    packet_ms: Option<u32>,
    input: &Input,
) -> Result<Exit> {
    let tools = Toolkit::load_network(global)?;
    let bar = progress::bar(files.len() as u64, "embedding", global.quiet || files.len() < 8);
    let wanted = Wanted { packet_ms, ..Wanted::default() };
    let one = |path: &PathBuf| {
        let recording = tools.analyse_file(path, input, wanted, |_| ())?;
        bar.inc(1);
        match recording.embedding {
            Some(embedding) => Ok((embedding, recording.net_speech_s)),
            None => bail!("{}: no speech, so there is no embedding", path.display()),
        }
    };
    let done = pool(global.threads)?.install(|| files.par_iter().map(one).collect::<Result<Vec<_>>>())?;
    bar.finish_and_clear();

    let shape = [done.len(), tools.model.dim()];
    let values: Vec<f32> = done.iter().flat_map(|(e, _)| e.iter().copied()).collect();
    let values = ndarray::Array2::from_shape_vec((shape[0], shape[1]), values)?;
    let mut bytes = Vec::new();
    ndarray_npy::WriteNpyExt::write_npy(&values, &mut bytes)?;
    cli_store::write_atomic(array, &bytes).with_context(|| array.display().to_string())?;
    let rows =
        files.iter().zip(&done).map(|(file, (_, net_speech_s))| Row { file, net_speech_s: *net_speech_s }).collect();
    let report = Report { out: array, model: tools.model.id().to_string(), shape, rows };
    out.print(&report, |r| {
        format!("{}: {} embeddings of {} numbers, model {}", r.out.display(), shape[0], shape[1], r.model)
    })?;
    Ok(Exit::Success)
}
