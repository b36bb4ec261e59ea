//! `vouch model import` through the program.
#![cfg(feature = "onnx")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(name)
}

fn vouch(domain: &Path, args: &[&str], files: &[PathBuf]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vouch"))
        .env("VOUCH_DOMAIN", domain)
        .args(args)
        .args(files)
        .current_dir(domain.parent().unwrap())
        .output()
        .unwrap()
}

fn json(out: &Output) -> Value {
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    serde_json::from_slice(&out.stdout).unwrap()
}

fn error(out: &Output) -> String {
    assert!(matches!(out.status.code(), Some(2 | 3)), "{out:?}");
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn a_domain_uses_the_network_that_was_imported_into_it() {
    let dir = tempfile::tempdir().unwrap();
    let domain = dir.path().join("bank");
    let graph = [testdata("golden/onnx/ecapa.onnx")];
    let built_in = json(&vouch(&domain, &["model", "describe", "--json"], &[]))["model_id"].clone();

    let missing = error(&vouch(&domain, &["model", "import"], &graph));
    assert!(missing.contains("vouch domain create") && missing.contains("--out"), "{missing}");
    json(&vouch(&domain, &["domain", "create", "--json"], &[]));
    let imported = json(&vouch(&domain, &["model", "import", "--json", "--preset", "speechbrain"], &graph));
    assert_eq!(imported["Dim"], 32);
    let described = json(&vouch(&domain, &["model", "describe", "--json"], &[]));
    assert_eq!(described["model_id"], imported["ModelId"]);
    assert_ne!(described["model_id"], built_in);
    assert_eq!((&described["samp_freq"], &described["num_mel_bins"]), (&16_000.into(), &80.into()));
    assert!(described.get("table").is_none(), "{described}");

    // Embeddings come from it; scores need a calibration of its own.
    let npy = dir.path().join("x.npy");
    let call = [testdata("audio/callers/alice_call_1.wav")];
    let embedded = vouch(&domain, &["embed", "--quiet", "--out", npy.to_str().unwrap()], &call);
    assert_eq!(embedded.status.code(), Some(0), "{embedded:?}");
    assert_eq!(std::fs::metadata(&npy).unwrap().len() % (4 * 32), 0);
    // Without one, a trial list still tells how well the network tells people apart, and what is missing.
    let list = dir.path().join("mini.trials");
    let callers = testdata("audio/callers");
    std::fs::write(
        &list,
        "1 alice_enrol_1.wav alice_call_1.wav\n0 alice_enrol_1.wav bob_call_1.wav\n1 bob_enrol_1.wav bob_call_1.wav\n",
    )
    .unwrap();
    let list = list.to_str().unwrap().to_owned();
    let root = callers.to_str().unwrap().to_owned();
    let eval = ["eval", list.as_str(), "--root", root.as_str(), "--quiet"];
    let found = json(&vouch(&domain, &[&eval[..], &["--json"]].concat(), &[]));
    assert_eq!((&found["calibrated"], &found["targets"], &found["nontargets"]), (&false.into(), &2.into(), &1.into()));
    assert!(found["eer"].is_number() && found["min_dcf"].is_number() && found.get("cllr").is_none(), "{found}");
    let text = vouch(&domain, &eval, &[]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("no calibration"), "{text:?}");
    let refused = error(&vouch(&domain, &[&eval[..], &["--watchlist", "1"]].concat(), &[]));
    assert!(refused.contains("vouch calibrate"), "{refused}");

    let refused = error(&vouch(&domain, &["verify", "--speaker", "alice"], &call));
    assert!(refused.contains("vouch calibrate"), "{refused}");

    // Every architecture is taken in, whatever it takes at least.
    for architecture in ["resnet34", "campplus"] {
        let file = format!("{architecture}.vouch");
        let graph = [testdata(&format!("golden/onnx/{architecture}.onnx"))];
        let other = json(&vouch(&domain, &["model", "import", "--json", "--out", &file], &graph));
        assert_eq!((&other["Dim"], &other["File"]), (&32.into(), &file.clone().into()));
        let call = vouch(&domain, &["embed", "--quiet", "--model", &file, "--out", npy.to_str().unwrap()], &call);
        assert_eq!(call.status.code(), Some(0), "{architecture}: {call:?}");
    }

    // Another front end is another network, by its file.
    let toml = dir.path().join("front.toml");
    std::fs::write(&toml, "preset = \"wespeaker\"\nchunk_s = 2.0\n").unwrap();
    let args = ["model", "import", "--json", "--out", "own.vouch", "--front-end", toml.to_str().unwrap()];
    let other = json(&vouch(&domain, &args, &graph));
    assert_ne!(other["ModelId"], imported["ModelId"]);
    let int8 = error(&vouch(&domain, &["model", "describe", "--precision", "int8", "--model", "own.vouch"], &[]));
    assert!(int8.contains("own.vouch") && int8.contains("--precision"), "{int8}");

    for (text, part) in [("chunk = 2.0", "chunk"), ("chunk_s = 90", "chunk_s"), ("preset = ", "front.toml")] {
        std::fs::write(&toml, text).unwrap();
        let refused = error(&vouch(&domain, &args, &graph));
        assert!(refused.contains(part) && refused.contains("front.toml"), "{text}: {refused}");
    }
    let wav = error(&vouch(&domain, &["model", "import"], &call));
    assert!(wav.contains("alice_call_1.wav") && wav.contains("ONNX"), "{wav}");
}

#[test]
fn a_network_by_name_passes_only_by_its_weights() {
    let dir = tempfile::tempdir().unwrap();
    let domain = dir.path().join("bank");
    json(&vouch(&domain, &["domain", "create", "--json"], &[]));
    let graph = testdata("golden/onnx/campplus.onnx");
    let refused = error(&vouch(&domain, &["model", "import", "campplus", "--from"], std::slice::from_ref(&graph)));
    assert!(refused.contains("not campplus") && refused.contains("campplus.onnx"), "{refused}");
    let refused = error(&vouch(&domain, &["model", "import", "resnet", "--from"], std::slice::from_ref(&graph)));
    assert!(refused.contains("resnet") && refused.contains("campplus"), "{refused}");
    let refused = error(&vouch(&domain, &["model", "import", "campplus"], &[]));
    assert!(refused.contains("campplus"), "{refused}");
    assert!(!domain.join("model.vouch").exists());
}
