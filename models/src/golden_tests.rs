//! Every layer against PyTorch, on every instruction set of this machine.

use engine::embed::{Embedder, MAX_BLOCK_FRAMES};
use engine::nn::{Precision, ResidualBlock, SplicedAffine, Workspace};

use crate::tdnnf::TdnnF;
use crate::{Backend, Model};

const BYTES: &[u8] = include_bytes!("../weights/default.vouch");
/// Largest difference to PyTorch, relative to the largest number of the layer's golden rows.
const TOLERANCE: f32 = 1e-4;

struct Golden {
    log_mel: Vec<f32>,
    speech: Vec<bool>,
    layers: serde_json::Value,
}

fn golden() -> Golden {
    let text = include_str!("../../testdata/golden/network/default.json");
    let v: serde_json::Value = serde_json::from_str(text).unwrap();
    let numbers = |v: &serde_json::Value| v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
    Golden {
        log_mel: numbers(&v["log_mel"]),
        speech: v["speech"].as_array().unwrap().iter().map(|x| x == 1).collect(),
        layers: v["layers"].clone(),
    }
}

impl Golden {
    /// Compares rows of `got`, `(frames, channels)`, with the golden rows of a layer; returns the largest relative difference.
    fn check(&self, name: &str, got: &[f32], channels: usize) -> f32 {
        let layer = &self.layers[name];
        let frames = layer["frames"].as_array().unwrap();
        let rows = layer["values"].as_array().unwrap();
        assert!(!rows.is_empty() && rows.len() == frames.len(), "{name}: no golden rows");
        let (mut worst, mut largest) = (0.0f32, 0.0f32);
        for (frame, row) in frames.iter().zip(rows) {
            let frame = frame.as_u64().unwrap() as usize;
            let row = row.as_array().unwrap();
            assert_eq!(row.len(), channels, "{name}");
            for (g, e) in got[frame * channels..][..channels].iter().zip(row) {
                let e = e.as_f64().unwrap() as f32;
                worst = worst.max((g - e).abs());
                largest = largest.max(e.abs());
            }
        }
        let relative = worst / largest;
        assert!(relative <= TOLERANCE, "{name}: {relative:e} off");
        relative
    }
}

/// Runs a streaming layer over a whole input and checks that every frame comes out.
fn whole(
    x: &[f32],
    channels: usize,
    outputs: usize,
    mut push: impl FnMut(&[f32], usize, &mut [f32]) -> usize,
    finish: impl FnOnce(&mut [f32]) -> usize,
) -> Vec<f32> {
    let mut out = Vec::new();
    let mut block = vec![0.0; (MAX_BLOCK_FRAMES + 1) * outputs];
    for part in x.chunks(MAX_BLOCK_FRAMES * channels) {
        let n = push(part, part.len() / channels, &mut block);
        out.extend_from_slice(&block[..n * outputs]);
    }
    let n = finish(&mut block);
    out.extend_from_slice(&block[..n * outputs]);
    out
}

fn affine(layer: &mut SplicedAffine, x: &[f32], channels: usize) -> Vec<f32> {
    let outputs = layer.outputs();
    let mut copy = layer.clone();
    let mut work = Workspace::default();
    work.reserve(layer, MAX_BLOCK_FRAMES + 1);
    let first = whole(x, channels, outputs, |x, n, o| copy.push(x, n, o, &mut work), |_| 0);
    let mut out = first;
    let mut rest = vec![0.0; (MAX_BLOCK_FRAMES + 1) * outputs];
    let n = copy.finish(&mut rest, &mut work);
    out.extend_from_slice(&rest[..n * outputs]);
    out
}

fn residual(block: &mut ResidualBlock, x: &[f32], channels: usize) -> Vec<f32> {
    let mut copy = block.clone();
    let mut work = Workspace::default();
    block.reserve(&mut work, MAX_BLOCK_FRAMES + 1);
    let mut out = whole(x, channels, channels, |x, n, o| copy.push(x, n, o, &mut work), |_| 0);
    let mut rest = vec![0.0; (MAX_BLOCK_FRAMES + 1) * channels];
    let n = copy.finish(&mut rest, &mut work);
    out.extend_from_slice(&rest[..n * channels]);
    out
}

#[test]
fn every_layer_agrees_with_pytorch_on_every_backend() {
    let golden = golden();
    let mut embeddings: Vec<(Backend, Vec<f32>)> = Vec::new();
    for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
        let model = Model::with_backend(BYTES, backend, Precision::F32).unwrap();
        let container = &model.inner.container;
        let config = crate::network::sizes("speaker", &container.networks["speaker"].config).unwrap();
        let mut net = TdnnF::new(container, config, backend, Precision::F32).unwrap();
        let mels = net.num_mel_bins();

        let mut x = golden.log_mel.clone();
        x.chunks_exact_mut(mels).zip(&golden.speech).for_each(|(f, &s)| net.cmn.apply(f, s));
        let mut worst = golden.check("cmn", &x, mels);
        let mut h = affine(&mut net.front, &x, mels);
        let channels = net.front.outputs();
        worst = worst.max(golden.check("front", &h, channels));
        for (i, block) in net.blocks.iter_mut().enumerate() {
            h = residual(block, &h, channels);
            worst = worst.max(golden.check(&format!("blocks.{i}"), &h, channels));
        }
        h = affine(&mut net.expand, &h, channels);
        let wide = net.expand.outputs();
        worst = worst.max(golden.check("expand", &h, wide));
        let attention = affine(&mut net.hidden, &h, wide);
        let logits = affine(&mut net.logits, &attention, net.hidden.outputs());
        let heads = net.logits.outputs();
        worst = worst.max(golden.check("logits", &logits, heads));
        for (t, (row, logit)) in h.chunks_exact(wide).zip(logits.chunks_exact(heads)).enumerate() {
            if golden.speech[2 * t] {
                net.pool.add(row, logit);
            }
        }
        let mut pooled = vec![0.0; 2 * wide];
        assert!(net.pool.write(&mut pooled));
        worst = worst.max(golden.check("pooled", &pooled, 2 * wide));

        let mut embedder = model.embedder();
        for (x, s) in golden.log_mel.chunks(MAX_BLOCK_FRAMES * mels).zip(golden.speech.chunks(MAX_BLOCK_FRAMES)) {
            embedder.push(x, s);
        }
        embedder.finish();
        let mut embedding = vec![0.0; embedder.dim()];
        assert!(embedder.embedding(&mut embedding));
        golden.check("embedding", &embedding, embedder.dim());
        let reference: Vec<f32> = golden.layers["embedding"]["values"][0]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_f64().unwrap() as f32)
            .collect();
        let cosine = engine_simd::dot(&embedding, &reference);
        assert!(cosine >= 0.99999, "{backend:?}: cosine {cosine}");
        println!("{}: largest relative difference {worst:e}, embedding cosine {cosine}", backend.name());
        embeddings.push((backend, embedding));
    }
    for (backend, e) in &embeddings[1..] {
        let same = e.iter().zip(&embeddings[0].1).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "{backend:?} gives other bits than {:?}", embeddings[0].0);
    }
    assert!(embeddings.len() >= 2 || cfg!(not(any(target_arch = "x86_64", target_arch = "aarch64"))));
}

/// How near a layer in 8 bits comes to the same layer in 32: the cosine over all its frames.
#[test]
fn every_layer_in_eight_bits_is_near_the_exact_one() {
    let golden = golden();
    let model = Model::embedded().unwrap();
    let container = &model.inner.container;
    let net = |precision| {
        let config = crate::network::sizes("speaker", &container.networks["speaker"].config).unwrap();
        TdnnF::new(container, config, Backend::detect(), precision).unwrap()
    };
    let (mut exact, mut rounded) = (net(Precision::F32), net(Precision::Int8));
    let mels = exact.num_mel_bins();
    let channels = exact.front.outputs();
    let mut x = golden.log_mel.clone();
    x.chunks_exact_mut(mels).zip(&golden.speech).for_each(|(f, &s)| exact.cmn.apply(f, s));

    let mut found: Vec<(String, f64, f64)> = Vec::new();
    // Alone: on the exact input. So far: behind the layers before it, in 8 bits too.
    let mut note = |name: &str, exact: &[f32], alone: &[f32], so_far: &[f32]| {
        found.push((name.to_owned(), cosine(exact, alone), cosine(exact, so_far)));
    };
    let mut h = affine(&mut exact.front, &x, mels);
    let mut q = affine(&mut rounded.front, &x, mels);
    assert!(h.iter().zip(&q).all(|(a, b)| a.to_bits() == b.to_bits()), "the front layer stays in 32 bits");
    for (i, (block, block8)) in exact.blocks.iter_mut().zip(&mut rounded.blocks).enumerate() {
        let alone = residual(block8, &h, channels);
        (h, q) = (residual(block, &h, channels), residual(block8, &q, channels));
        note(&format!("blocks.{i}"), &h, &alone, &q);
    }
    let alone = affine(&mut rounded.expand, &h, channels);
    (h, q) = (affine(&mut exact.expand, &h, channels), affine(&mut rounded.expand, &q, channels));
    note("expand", &h, &alone, &q);
    let wide = exact.expand.outputs();
    let alone = affine(&mut rounded.hidden, &h, wide);
    (h, q) = (affine(&mut exact.hidden, &h, wide), affine(&mut rounded.hidden, &q, wide));
    note("pool.a", &h, &alone, &q);

    found.iter().for_each(|(name, alone, so_far)| println!("{name}: cosine {alone:.6} alone, {so_far:.6} so far"));
    let far: Vec<_> = found.iter().filter(|(_, alone, so_far)| !(*alone >= ALONE && *so_far >= SO_FAR)).collect();
    assert!(far.is_empty(), "{far:?}");
    assert!(found.iter().all(|(_, alone, _)| *alone < 1.0), "some layer is not in 8 bits: {found:?}");
}

/// Least cosines between layers in 8 and in 32 bits. Measured: 0.999943 alone and 0.999862 so far, both of `expand`.
const ALONE: f64 = 0.9999;
const SO_FAR: f64 = 0.9995;

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn eight_bits_give_the_same_bits_on_every_backend() {
    let golden = golden();
    let mut first: Option<Vec<u32>> = None;
    for backend in Backend::ALL.into_iter().filter(|b| b.is_available()) {
        let embed = |precision| {
            let mut embedder = Model::with_backend(BYTES, backend, precision).unwrap().embedder();
            let mels = embedder.num_mel_bins();
            for (x, s) in golden.log_mel.chunks(MAX_BLOCK_FRAMES * mels).zip(golden.speech.chunks(MAX_BLOCK_FRAMES)) {
                embedder.push(x, s);
            }
            embedder.finish();
            let mut embedding = vec![0.0; embedder.dim()];
            assert!(embedder.embedding(&mut embedding));
            embedding
        };
        let (exact, rounded) = (embed(Precision::F32), embed(Precision::Int8));
        let cosine = engine_simd::dot(&exact, &rounded);
        assert!(cosine > 0.995, "{backend:?}: {cosine}");
        let bits: Vec<u32> = rounded.iter().map(|v| v.to_bits()).collect();
        assert_eq!(first.get_or_insert_with(|| bits.clone()), &bits, "{backend:?}");
        println!("{}: cosine of int8 and f32 {cosine}", backend.name());
    }
}

#[test]
fn more_frames_at_once_give_the_same_bits() {
    let golden = golden();
    for precision in [Precision::F32, Precision::Int8] {
        let model = Model::embedded_with(precision).unwrap();
        let embed = |mut embedder: Box<dyn Embedder>, step: usize| {
            let mels = embedder.num_mel_bins();
            for (x, s) in golden.log_mel.chunks(step * mels).zip(golden.speech.chunks(step)) {
                embedder.push(x, s);
            }
            embedder.finish();
            let mut embedding = vec![0.0; embedder.dim()];
            assert!(embedder.embedding(&mut embedding));
            embedding.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        let call = embed(model.embedder(), 10);
        assert!(model.embedder_for_files().block_frames() > model.embedder().block_frames());
        for step in [1, 7, MAX_BLOCK_FRAMES, model.embedder_for_files().block_frames(), golden.speech.len()] {
            assert_eq!(embed(model.embedder_for_files(), step), call, "{precision:?}, {step} frames at once");
        }
    }
}

#[test]
fn the_detector_agrees_with_pytorch_for_any_blocks() {
    let golden = golden();
    let model = Model::embedded().unwrap();
    let mut seed = 7u32;
    for round in 0..20 {
        let mut detector = model.detector();
        let mels = detector.num_mel_bins();
        let mut out = Vec::new();
        let mut block = [0.0; MAX_BLOCK_FRAMES];
        let mut rest = golden.log_mel.as_slice();
        while !rest.is_empty() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = if round == 0 { MAX_BLOCK_FRAMES } else { 1 + seed as usize % MAX_BLOCK_FRAMES };
            let (now, later) = rest.split_at((n * mels).min(rest.len()));
            let n = detector.push(now, &mut block);
            out.extend_from_slice(&block[..n]);
            rest = later;
        }
        assert_eq!(out.len() + detector.lookahead_frames(), golden.speech.len());
        let n = detector.finish(&mut block);
        out.extend_from_slice(&block[..n]);
        assert_eq!(out.len(), golden.speech.len());
        golden.check("log_odds", &out, 1);
    }
}

#[test]
fn blocks_do_not_change_a_bit_of_the_embedding() {
    let golden = golden();
    let model = Model::embedded().unwrap();
    let mut embedder = model.embedder();
    let (mels, dim) = (embedder.num_mel_bins(), embedder.dim());
    let mut seed = 11u32;
    let mut reference: Option<Vec<u32>> = None;
    for round in 0..60 {
        let (mut x, mut s) = (golden.log_mel.as_slice(), golden.speech.as_slice());
        while !s.is_empty() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = match round {
                0 => MAX_BLOCK_FRAMES,
                1 => 1,
                _ => (seed >> 16) as usize % (MAX_BLOCK_FRAMES + 1),
            };
            let n = n.min(s.len());
            embedder.push(&x[..n * mels], &s[..n]);
            (x, s) = (&x[n * mels..], &s[n..]);
        }
        embedder.finish();
        let mut out = vec![0.0; dim];
        assert!(embedder.embedding(&mut out));
        let bits: Vec<u32> = out.iter().map(|v| v.to_bits()).collect();
        assert_eq!(reference.get_or_insert_with(|| bits.clone()), &bits, "round {round}, and reset must equal fresh");
        embedder.reset();
        assert!(!embedder.embedding(&mut out), "reset forgets");
    }
}

/// The shipped network with a front layer for wide-band audio, which gives what lies above the telephone's band `weight`.
fn with_wide_ears(weight: f32) -> Vec<u8> {
    use crate::format::{Container, FrontEnd, NewTensor, Tensor, write};
    const MELS: usize = 64;
    let container = Container::parse(BYTES).unwrap();
    let mut networks = serde_json::Map::new();
    for (role, entry) in &container.networks {
        let (mut family, mut config) = (entry.family.clone(), entry.config.clone());
        if role == "speaker" {
            family = "BandTdnnF".to_owned();
            config["narrow"] = config["mels"].clone();
            config["mels"] = MELS.into();
        }
        networks.insert(role.clone(), serde_json::json!({"family": family, "config": config}));
    }
    let mut tensors = Vec::new();
    for (name, tensor) in container.tensors("") {
        match name {
            "speaker.prior" => {
                tensors.push(NewTensor::f32("speaker.narrow_prior", tensor));
                let mut data = tensor.data.clone();
                data.resize(MELS, 7.0);
                tensors.push(NewTensor::f32(name, &Tensor { shape: vec![MELS], data }));
            }
            "speaker.front.weight" => {
                let mels = container.front_end.num_mel_bins;
                let above = std::iter::repeat_n(weight, MELS + 1 - mels);
                let data: Vec<f32> =
                    tensor.data.chunks_exact(mels).flat_map(|row| row.iter().copied().chain(above.clone())).collect();
                let shape = vec![tensor.shape[0], data.len() / tensor.shape[0]];
                tensors.push(NewTensor::f32(name, &Tensor { shape, data }));
            }
            _ => tensors.push(NewTensor::f32(name, tensor)),
        }
    }
    write(&networks.into(), &FrontEnd::engine(), tensors, &[]).unwrap()
}

#[test]
fn a_network_with_wide_ears_hears_the_telephone_as_ever_and_more_above_it() {
    use engine::audio::SampleRate;
    use engine::session::{Session, SessionConfig};
    // A voice of harmonics up to 3.6 kHz, and bursts of hiss up to half the rate as its consonants.
    let voice = |rate: u32| -> Vec<f32> {
        let mut random = testdata::Random::new(3);
        let hiss = |i: usize| 0.02 * f32::from(u8::from(i % (rate as usize / 4) < rate as usize / 13));
        testdata::speech_like(rate, 8).iter().enumerate().map(|(i, x)| x + hiss(i) * random.normal()).collect()
    };
    let embed = |model: &Model, rate: u32, chunk: usize| {
        let config = SessionConfig::new(SampleRate::new(rate).unwrap());
        let mut session = Session::new(config, model.embedder(), model.detector()).unwrap();
        let mut out = vec![0.0; model.dim()];
        // Once more after a reset: what the first stream was must not matter.
        for _ in 0..2 {
            session.reset();
            voice(rate).chunks(chunk).for_each(|c| assert!(session.push(c).is_ok()));
            session.finish();
            assert!(session.embedding(&mut out), "{:?}", session.progress());
        }
        out
    };
    let shipped = Model::embedded().unwrap();
    for weight in [0.0, 0.02] {
        let model = Model::from_bytes(&with_wide_ears(weight)).unwrap();
        assert_ne!(model.id(), shipped.id());
        assert_eq!(model.describe().family, "BandTdnnF");
        let narrow = engine_simd::dot(&embed(&model, 8_000, 160), &embed(&shipped, 8_000, 160));
        assert!(narrow > 0.999_99, "weight {weight}: cosine {narrow}");
        let wide = embed(&model, 16_000, 320);
        let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for chunk in [1, 999, 200_000] {
            assert_eq!(bits(&embed(&model, 16_000, chunk)), bits(&wide), "chunks of {chunk}");
        }
        let cosine = engine_simd::dot(&wide, &embed(&shipped, 16_000, 320));
        // The lower bins come from frames at 16 kHz instead of 8: nearly the same, unless what lies above counts.
        assert_eq!(cosine > 0.99, weight == 0.0, "weight {weight}: cosine {cosine}");
    }
}

#[test]
fn impossible_ears_are_refused() {
    let bytes = with_wide_ears(0.0);
    let text = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        let body = changed.len() - 32;
        let digest = <sha2::Sha256 as sha2::Digest>::digest(&changed[..body]);
        changed[body..].copy_from_slice(&digest);
        Model::from_bytes(&changed).err().unwrap().to_string()
    };
    for narrow in ["00", "64", "99"] {
        let error = text("\"narrow\":48", &format!("\"narrow\":{narrow}").replace(":00", ": 0"));
        assert!(error.contains("narrow-band"), "{error}");
    }
}
