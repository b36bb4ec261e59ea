//! What is heard, as a WAV file: whole or not at all, silent during secure passages, with a proof of that silence.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use cli_store::write_atomic_private;
use cli_wire::proof::{Passage, Proof};
use engine::audio::f32_to_i16;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::error::{Context, Result, bail};

const VERSION: u32 = 1;

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn first_hash(session: &str) -> String {
    hex(Sha256::new().chain_update("vouch secure passage").chain_update(session).finalize())
}

fn next_hash(before: &str, numbers: [u64; 3]) -> String {
    let hash = numbers.iter().fold(Sha256::new().chain_update(before), |h, n| h.chain_update(n.to_be_bytes()));
    hex(hash.finalize())
}

fn last_hash(before: &str, rate_hz: u32, samples: u64, recording: &str) -> String {
    let hash = Sha256::new().chain_update(before).chain_update(u64::from(rate_hz).to_be_bytes());
    hex(hash.chain_update(samples.to_be_bytes()).chain_update(recording).finalize())
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// It cannot be read.
pub fn file_hash(path: &Path) -> Result<String> {
    let name = || path.display().to_string();
    let mut file = BufReader::new(File::open(path).with_context(name)?);
    let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let n = file.read(&mut block).with_context(name)?;
        if n == 0 {
            return Ok(hex(hash.finalize()));
        }
        hash.update(block.get(..n).unwrap_or_default());
    }
}

/// Writes what is heard, under its name only when it is whole. Only the owner may read it.
pub struct Recorder {
    writer: WavWriter<BufWriter<File>>,
    file: NamedTempFile,
    path: PathBuf,
    session: String,
    rate_hz: u32,
    samples: u64,
    passages: Vec<Passage>,
    /// Where the present secure passage began.
    secure_since: Option<u64>,
}

impl Recorder {
    /// Records to `path`, 16-bit mono.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(path: &Path, rate_hz: u32, session: &str) -> Result<Self> {
        let name = || path.display().to_string();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder).with_context(name)?;
        let spec = WavSpec { channels: 1, sample_rate: rate_hz, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let writer = WavWriter::new(BufWriter::new(file.reopen().with_context(name)?), spec).with_context(name)?;
        Ok(Self {
            writer,
            file,
            path: path.to_owned(),
            session: session.to_owned(),
            rate_hz,
            samples: 0,
            passages: Vec::new(),
            secure_since: None,
        })
    }

    /// Appends samples, or as much silence during a secure passage.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        let secure = self.secure_since.is_some();
        for &x in samples {
            self.writer
                .write_sample(if secure { 0 } else { f32_to_i16(x) })
                .with_context(|| self.path.display().to_string())?;
        }
        self.samples += samples.len() as u64;
        Ok(())
    }

    /// Begins a secure passage.
    pub fn begin_secure(&mut self) {
        self.secure_since.get_or_insert(self.samples);
    }

    /// Ends it.
    pub fn end_secure(&mut self) {
        let Some(start_sample) = self.secure_since.take() else { return };
        let (end_sample, silenced_samples) = (self.samples, self.samples - start_sample);
        let before = self.passages.last().map_or_else(|| first_hash(&self.session), |p| p.hash.clone());
        let hash = next_hash(&before, [start_sample, end_sample, silenced_samples]);
        self.passages.push(Passage { start_sample, end_sample, silenced_samples, hash });
    }

    /// Ends the recording and gives it its name. With secure passages the proof lies beside it, as `NAME.proof.json`.
    ///
    /// # Errors
    /// A file cannot be written; neither is left behind then.
    pub fn keep(mut self) -> Result<Option<Proof>> {
        self.end_secure();
        let name = self.path.display().to_string();
        self.writer.finalize().with_context(|| name.clone())?;
        self.file.as_file().sync_all().with_context(|| name.clone())?;
        let proof = match self.passages.last() {
            None => None,
            Some(last) => {
                let recording_sha256 = file_hash(self.file.path())?;
                Some(Proof {
                    version: VERSION,
                    session_id: self.session.clone(),
                    sample_rate_hz: self.rate_hz,
                    samples: self.samples,
                    hash: last_hash(&last.hash, self.rate_hz, self.samples, &recording_sha256),
                    recording_sha256,
                    passages: self.passages.clone(),
                })
            }
        };
        if let Some(proof) = &proof {
            write_atomic_private(&proof_path(&self.path), &serde_json::to_vec_pretty(proof)?)?;
        }
        if let Err(e) = self.file.persist(&self.path) {
            if proof.is_some() {
                // The error that counts is the recording's.
                let _ = std::fs::remove_file(proof_path(&self.path));
            }
            return Err(e).with_context(|| name);
        }
        Ok(proof)
    }
}

/// Where the proof of a recording lies.
pub fn proof_path(recording: &Path) -> PathBuf {
    let mut name = recording.as_os_str().to_owned();
    name.push(".proof.json");
    PathBuf::from(name)
}

/// Holds a proof against its recording: the chain, the file's hash, and every sample of every passage.
///
/// # Errors
/// The first thing that does not hold, or a file that cannot be read.
pub fn verify(recording: &Path, proof: &Path) -> Result<Proof> {
    let (name, file) = (proof.display().to_string(), recording.display().to_string());
    let text = std::fs::read(proof).with_context(|| name.clone())?;
    let proof: Proof = serde_json::from_slice(&text).with_context(|| name.clone())?;
    if proof.version != VERSION {
        bail!("{name}: version {}, this program knows {VERSION}", proof.version);
    }
    let mut hash = first_hash(&proof.session_id);
    let mut after = 0;
    for (i, p) in proof.passages.iter().enumerate() {
        let fits = after <= p.start_sample && p.start_sample <= p.end_sample && p.end_sample <= proof.samples;
        if !fits || p.silenced_samples != p.end_sample - p.start_sample {
            bail!("{name}: passage {} does not fit the recording", i + 1);
        }
        hash = next_hash(&hash, [p.start_sample, p.end_sample, p.silenced_samples]);
        if hash != p.hash {
            bail!("{name}: the hash of passage {} does not hold; the proof was altered", i + 1);
        }
        after = p.end_sample;
    }
    if last_hash(&hash, proof.sample_rate_hz, proof.samples, &proof.recording_sha256) != proof.hash {
        bail!("{name}: the last hash does not hold; the proof was altered");
    }
    if file_hash(recording)? != proof.recording_sha256 {
        bail!("{file}: not the recording that the proof was made for, or altered since");
    }
    let mut wav = WavReader::open(recording).with_context(|| file.clone())?;
    if wav.spec().sample_rate != proof.sample_rate_hz || u64::from(wav.duration()) != proof.samples {
        bail!("{file}: rate or length are not those of the proof");
    }
    let mut passages = proof.passages.iter().peekable();
    for (at, sample) in (0u64..).zip(wav.samples::<i16>()) {
        let sample = sample.with_context(|| file.clone())?;
        while passages.next_if(|p| p.end_sample <= at).is_some() {}
        if sample != 0 && passages.peek().is_some_and(|p| p.start_sample <= at) {
            bail!("{file}: sample {at} lies in a secure passage and is not silent");
        }
    }
    Ok(proof)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(dir: &Path) -> PathBuf {
        let path = dir.join("call.wav");
        let mut r = Recorder::new(&path, 8_000, "id#abcdefghijklmnopqrstuv").unwrap();
        let x: Vec<f32> = testdata::noise(3, 4_000).iter().map(|v| 0.1 * v).collect();
        r.write(&x[..1_000]).unwrap();
        r.begin_secure();
        r.write(&x[1_000..2_500]).unwrap();
        r.end_secure();
        r.write(&x[2_500..3_000]).unwrap();
        r.begin_secure();
        r.write(&x[3_000..]).unwrap();
        let proof = r.keep().unwrap().unwrap();
        assert_eq!(
            proof.passages.iter().map(|p| (p.start_sample, p.end_sample)).collect::<Vec<_>>(),
            [(1_000, 2_500), (3_000, 4_000)]
        );
        path
    }

    #[test]
    fn a_proof_holds_until_anything_is_altered() {
        let dir = tempfile::tempdir().unwrap();
        let path = recorded(dir.path());
        let proof = proof_path(&path);
        let good = verify(&path, &proof).unwrap();
        let alter = |change: &dyn Fn(&mut Proof)| {
            let mut bad = good.clone();
            change(&mut bad);
            std::fs::write(&proof, serde_json::to_vec(&bad).unwrap()).unwrap();
            assert!(verify(&path, &proof).is_err(), "{bad:?}");
        };
        alter(&|p| p.passages[0].start_sample += 1);
        alter(&|p| p.passages[1].end_sample -= 1);
        alter(&|p| drop(p.passages.remove(0)));
        alter(&|p| drop(p.passages.pop()));
        alter(&|p| p.passages.swap(0, 1));
        alter(&|p| p.samples += 1);
        alter(&|p| p.sample_rate_hz = 16_000);
        alter(&|p| p.session_id.push('x'));
        alter(&|p| p.recording_sha256.replace_range(..1, "x"));
        std::fs::write(&proof, serde_json::to_vec(&good).unwrap()).unwrap();
        assert!(verify(&path, &proof).is_ok());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[44 + 2 * 1_200] = 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(verify(&path, &proof).unwrap_err().to_string().contains("altered since"));
    }

    #[test]
    fn a_recording_that_is_not_silent_is_found_even_with_the_right_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = recorded(dir.path());
        let proof = proof_path(&path);
        let mut p = verify(&path, &proof).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[44 + 2 * 1_200] = 1;
        std::fs::write(&path, &bytes).unwrap();
        p.recording_sha256 = file_hash(&path).unwrap();
        p.hash = last_hash(&p.passages[1].hash, p.sample_rate_hz, p.samples, &p.recording_sha256);
        std::fs::write(&proof, serde_json::to_vec(&p).unwrap()).unwrap();
        assert!(verify(&path, &proof).unwrap_err().to_string().contains("sample 1200"));
    }
}
