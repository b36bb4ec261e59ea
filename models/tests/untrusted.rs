//! Containers from anywhere: refused with a kind, or read and run; never a panic.
#![allow(clippy::panic, clippy::unwrap_used)] // also in helpers

use std::collections::BTreeMap;

use engine::embed::MAX_BLOCK_FRAMES;
use models::{Model, ModelErrorKind as Kind};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A container in parts, so that a test can break one and still get the checksum right.
#[derive(Clone)]
struct Draft {
    header: Value,
    blob: Vec<u8>,
}

const HEADER_BYTES: usize = 4096 - 16;

impl Draft {
    /// The smallest networks that this build runs, with pseudo-random weights.
    fn tiny() -> Self {
        let (mels, c, b, wide, heads, hidden, dim, small) = (48, 8, 4, 8, 2, 4, 4, 4);
        let mut shapes: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut layer = |name: &str, outputs: usize, inputs: usize| {
            shapes.insert(format!("{name}.weight"), vec![outputs, inputs]);
            shapes.insert(format!("{name}.bias"), vec![outputs]);
        };
        layer("speaker.front", c, 5 * mels);
        for i in 0..2 {
            layer(&format!("speaker.blocks.{i}.down"), b, 3 * c);
            layer(&format!("speaker.blocks.{i}.up"), c, b);
        }
        layer("speaker.expand", wide, c);
        layer("speaker.pool.a", hidden, wide);
        layer("speaker.pool.b", heads, hidden);
        layer("speaker.out", dim, 2 * wide);
        for i in 0..6 {
            let inputs = [5 * mels, 3 * small][usize::from(i > 0)];
            layer(&format!("detector.layers.{i}"), small, inputs);
        }
        layer("detector.out", 1, small);
        for role in ["speaker", "detector"] {
            shapes.insert(format!("{role}.prior"), vec![mels]);
            shapes.insert(format!("{role}.scale"), vec![1]);
        }
        shapes.insert("cohort".to_owned(), vec![3, dim]);

        let (mut tensors, mut blob, mut seed) = (Vec::new(), Vec::new(), 1u32);
        for (name, shape) in shapes {
            let half = shape.len() == 2 && name != "cohort";
            let offset = 16 + HEADER_BYTES + blob.len();
            for _ in 0..shape.iter().product::<usize>() {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let value = (seed >> 8) as f32 / (1 << 24) as f32 - 0.5;
                if half {
                    // Sign, an exponent of 2^-2, ten random bits.
                    blob.extend(((seed >> 16) as u16 & 0x83ff | 0x3400).to_le_bytes());
                } else {
                    blob.extend(value.to_le_bytes());
                }
            }
            blob.resize(blob.len().next_multiple_of(64), 0);
            tensors.push(
                json!({"name": name, "dtype": if half { "f16" } else { "f32" }, "shape": shape, "offset": offset}),
            );
        }
        let speaker = json!({"mels": mels, "channels": c, "bottleneck": b, "dilations": [1, 2], "wide": wide, "heads": heads,
            "hidden": hidden, "dim": dim, "cmn_prior_frames": 50.0, "cmn_max_frames": 1000.0});
        let header = json!({
            "networks": {
                "speaker": {"family": "TdnnF", "config": speaker},
                "detector": {"family": "VadNet", "config": {"mels": mels, "channels": small}},
            },
            "front_end": {"samp_freq": 8000, "frame_length_ms": 25, "frame_shift_ms": 10, "num_mel_bins": 48,
                "low_freq": 64.0, "high_freq": 3800.0, "preemph_coeff": 0.97, "window_type": "povey"},
            "about": {"made by": "a test"},
            "tensors": tensors,
        });
        Self { header, blob }
    }

    fn with(mut self, pointer: &str, value: Value) -> Self {
        *self.header.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        self
    }

    fn tensor(&self, name: &str) -> usize {
        self.header["tensors"].as_array().unwrap().iter().position(|t| t["name"] == name).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = self.header.to_string().into_bytes();
        assert!(text.len() <= HEADER_BYTES);
        text.resize(HEADER_BYTES, b' ');
        let mut body = b"VOUCHNET".to_vec();
        body.extend(1u32.to_le_bytes());
        body.extend((HEADER_BYTES as u32).to_le_bytes());
        body.extend(text);
        body.extend(&self.blob);
        seal(body)
    }
}

fn seal(mut body: Vec<u8>) -> Vec<u8> {
    let digest = Sha256::digest(&body);
    body.extend_from_slice(&digest);
    body
}

fn resealed(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = bytes[..bytes.len() - 32].to_vec();
    change(&mut body);
    seal(body)
}

/// Pushes a second of frames through everything that a model makes.
fn run(model: &Model) {
    let (mut embedder, mut detector) = (model.embedder(), model.detector());
    let log_mel: Vec<f32> =
        (0..MAX_BLOCK_FRAMES * embedder.num_mel_bins()).map(|i| (i as f32 * 0.7).sin() * 5.0).collect();
    let mut log_odds = [0.0; MAX_BLOCK_FRAMES];
    for _ in 0..2 {
        embedder.push(&log_mel, &[true; MAX_BLOCK_FRAMES]);
        detector.push(&log_mel, &mut log_odds);
    }
    embedder.finish();
    detector.finish(&mut log_odds);
    let mut embedding = vec![0.0; embedder.dim()];
    if embedder.embedding(&mut embedding) {
        assert!(embedding.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn the_tiny_container_is_read_and_runs() {
    let model = Model::from_bytes(&Draft::tiny().bytes()).unwrap();
    assert_eq!((model.dim(), model.cohort().len()), (4, 12));
    run(&model);
}

#[test]
fn every_flipped_byte_and_every_truncation_is_refused() {
    let bytes = Draft::tiny().bytes();
    let mut broken = bytes.clone();
    for i in 0..bytes.len() {
        broken[i] ^= 1 << (i % 8);
        assert!(Model::from_bytes(&broken).is_err(), "byte {i} flipped");
        broken[i] = bytes[i];
        assert!(Model::from_bytes(&bytes[..i]).is_err(), "cut to {i} bytes");
    }
    assert!(Model::from_bytes(&broken).is_ok());
    broken.push(0);
    assert!(Model::from_bytes(&broken).is_err(), "one byte more");
}

#[test]
fn every_defect_has_its_kind() {
    let tiny = Draft::tiny;
    let bytes = tiny().bytes();
    let at = |name: &str, key: &str| format!("/tensors/{}/{key}", tiny().tensor(name));
    let nan = {
        let mut d = tiny();
        let start =
            d.header["tensors"][d.tensor("speaker.prior")]["offset"].as_u64().unwrap() as usize - 16 - HEADER_BYTES;
        d.blob[start..start + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        d
    };
    let infinite = {
        let mut d = tiny();
        let start = d.header["tensors"][d.tensor("speaker.front.weight")]["offset"].as_u64().unwrap() as usize;
        d.blob[start - 16 - HEADER_BYTES..][..2].copy_from_slice(&0x7c00u16.to_le_bytes());
        d
    };
    let without = |name: &str| {
        let mut d = tiny();
        let i = d.tensor(name);
        d.header["tensors"].as_array_mut().unwrap().remove(i);
        d
    };
    let twice = {
        let mut d = tiny();
        let mut copy = d.header["tensors"][0].clone();
        copy["offset"] = json!(16 + HEADER_BYTES + d.blob.len());
        d.blob.resize(d.blob.len() + 8192, 0);
        d.header["tensors"].as_array_mut().unwrap().push(copy);
        d
    };
    let second = tiny().header["tensors"][1]["offset"].clone();
    let cases: Vec<(&str, Vec<u8>, Kind, Option<&str>)> = vec![
        ("empty", vec![], Kind::NotAModel, None),
        ("text", b"hello, I am not a network at all".to_vec(), Kind::NotAModel, None),
        ("magic alone", b"VOUCHNET".to_vec(), Kind::Length, None),
        ("fixed part alone", bytes[..16].to_vec(), Kind::Length, None),
        ("later version", resealed(&bytes, |b| b[8] = 2), Kind::Version, None),
        ("checksum", [&bytes[..bytes.len() - 1], &[!bytes[bytes.len() - 1]]].concat(), Kind::Checksum, None),
        ("header beyond the file", resealed(&bytes, |b| b[14] = 0x0f), Kind::Header, None),
        ("header of 4 GiB", resealed(&bytes, |b| b[12..16].fill(0xff)), Kind::Header, None),
        ("header cut", resealed(&bytes, |b| b[13] = 1), Kind::Header, None),
        ("header not UTF-8", resealed(&bytes, |b| b[40] = 0xff), Kind::Header, None),
        (
            "unknown field",
            resealed(&bytes, |b| {
                let i = b.windows(5).position(|w| w == b"about").unwrap();
                b[i] = b'x';
            }),
            Kind::Header,
            None,
        ),
        ("no speaker", tiny().with("/networks", json!({})).bytes(), Kind::Unsupported, None),
        (
            "unknown family",
            tiny().with("/networks/speaker/family", json!("Transformer")).bytes(),
            Kind::Unsupported,
            None,
        ),
        ("unknown size", tiny().with("/networks/speaker/config", json!({"layers": 1})).bytes(), Kind::Header, None),
        ("no channels", tiny().with("/networks/speaker/config/channels", json!(0)).bytes(), Kind::Header, None),
        ("huge", tiny().with("/networks/speaker/config/wide", json!(1u64 << 40)).bytes(), Kind::Header, None),
        ("dilation", tiny().with("/networks/speaker/config/dilations", json!([1, -2])).bytes(), Kind::Header, None),
        (
            "dilations",
            tiny().with("/networks/speaker/config/dilations", json!([1, 2, 3])).bytes(),
            Kind::Tensor,
            Some("speaker.blocks.2.down.weight"),
        ),
        (
            "heads",
            tiny().with("/networks/speaker/config/heads", json!(3)).bytes(),
            Kind::Tensor,
            Some("speaker.pool.b.weight"),
        ),
        ("cmn", tiny().with("/networks/speaker/config/cmn_max_frames", json!(-1.0)).bytes(), Kind::Tensor, None),
        ("rate", tiny().with("/front_end/samp_freq", json!(16000)).bytes(), Kind::Unsupported, None),
        ("mel bins", tiny().with("/front_end/num_mel_bins", json!(80)).bytes(), Kind::Unsupported, None),
        ("window", tiny().with("/front_end/window_type", json!("hann")).bytes(), Kind::Unsupported, None),
        (
            "networks' mel bins",
            tiny().with("/networks/detector/config/mels", json!(40)).bytes(),
            Kind::Tensor,
            Some("detector.prior"),
        ),
        ("type", tiny().with(&at("speaker.scale", "dtype"), json!("f64")).bytes(), Kind::Tensor, Some("speaker.scale")),
        (
            "overflowing shape",
            tiny().with(&at("speaker.scale", "shape"), json!([u64::MAX, u64::MAX])).bytes(),
            Kind::Tensor,
            Some("speaker.scale"),
        ),
        (
            "empty shape",
            tiny().with(&at("speaker.scale", "shape"), json!([0])).bytes(),
            Kind::Tensor,
            Some("speaker.scale"),
        ),
        (
            "other shape",
            tiny().with(&at("speaker.front.weight", "shape"), json!([240, 8])).bytes(),
            Kind::Tensor,
            Some("speaker.front.weight"),
        ),
        (
            "outside",
            tiny().with(&at("speaker.scale", "offset"), json!(1u64 << 40)).bytes(),
            Kind::Tensor,
            Some("speaker.scale"),
        ),
        (
            "overflowing offset",
            tiny().with(&at("speaker.scale", "offset"), json!(u64::MAX - 63)).bytes(),
            Kind::Tensor,
            Some("speaker.scale"),
        ),
        ("in the header", tiny().with("/tensors/0/offset", json!(64)).bytes(), Kind::Tensor, Some("cohort")),
        (
            "misaligned",
            tiny().with("/tensors/0/offset", json!(16 + HEADER_BYTES + 4)).bytes(),
            Kind::Tensor,
            Some("cohort"),
        ),
        ("overlap", tiny().with("/tensors/2/offset", second).bytes(), Kind::Tensor, Some("detector.layers.0.weight")),
        ("twice", twice.bytes(), Kind::Tensor, Some("cohort")),
        ("missing", without("speaker.out.bias").bytes(), Kind::Tensor, Some("speaker.out.bias")),
        ("NaN", nan.bytes(), Kind::Tensor, Some("speaker.prior")),
        ("infinite half", infinite.bytes(), Kind::Tensor, Some("speaker.front.weight")),
        (
            "cohort of another length",
            tiny().with("/tensors/0/shape", json!([4, 3])).bytes(),
            Kind::Tensor,
            Some("cohort"),
        ),
    ];
    let wrong: Vec<String> = cases
        .into_iter()
        .filter_map(|(name, bytes, kind, tensor)| match Model::from_bytes(&bytes) {
            Ok(_) => Some(format!("{name}: accepted")),
            Err(e) if e.kind() != kind || (tensor.is_some() && e.tensor() != tensor) => {
                Some(format!("{name}: {:?} {:?} ({e}), expected {kind:?} {tensor:?}", e.kind(), e.tensor()))
            }
            Err(e) => (e.to_string().is_empty() || e.to_string().contains('\n')).then(|| format!("{name}: {e:?}")),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_name_follows_what_counts() {
    let id = |d: &Draft| Model::from_bytes(&d.bytes()).unwrap().id();
    let tiny = Draft::tiny();
    let reference = id(&tiny);
    let flip = |name: &str| {
        let mut d = tiny.clone();
        let start = d.header["tensors"][d.tensor(name)]["offset"].as_u64().unwrap() as usize - 16 - HEADER_BYTES;
        d.blob[start] ^= 1;
        d
    };
    assert_ne!(reference, id(&flip("speaker.out.bias")));
    assert_ne!(reference, id(&flip("detector.layers.3.weight")));
    assert_ne!(reference, id(&tiny.clone().with("/networks/speaker/config/cmn_max_frames", json!(500.0))));
    assert_eq!(reference, id(&flip("cohort")));
    assert_eq!(reference, id(&tiny.clone().with("/about", json!({}))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The checksum proves only that nothing was damaged by accident: whoever writes a container also writes its checksum.
    #[test]
    fn changed_and_sealed_again_never_panics(
        changes in prop::collection::vec((0usize..4096 + 600, any::<u8>()), 1..6),
        digits in any::<bool>(),
        cut in prop::option::of(0usize..8000),
    ) {
        let bytes = Draft::tiny().bytes();
        let header = 16..bytes.iter().rposition(|&b| b == b'}').unwrap_or(16);
        let numbers: Vec<usize> = header.filter(|&i| bytes[i].is_ascii_digit()).collect();
        let broken = resealed(&bytes, |b| {
            for &(at, value) in &changes {
                match digits {
                    true => b[numbers[at % numbers.len()]] = b'0' + value % 10,
                    false => b[at] = value,
                }
            }
            if let Some(n) = cut {
                b.truncate(n);
            }
        });
        if let Ok(model) = Model::from_bytes(&broken) {
            run(&model);
        }
    }
}
