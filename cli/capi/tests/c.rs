//! The C side: the header under strict compilers, the examples run, and libvouch agrees with the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cli_app::analysis::{Input, ModelFiles, Toolkit, Wanted};
use engine::codec::g711;
use engine::enroll::{EnrollConfig, Enroller, RecordingEvidence};
use engine::score::Conditions;
use engine::template::Embedding;

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1"];

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo put the libraries: beside this test's own program.
fn library_dir() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// A program that finds the library just built, whatever else cargo's environment points to.
fn run(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", library_dir());
    command
}

fn available(compiler: &str) -> bool {
    Command::new(compiler).arg("--version").output().is_ok_and(|o| o.status.success())
}

fn compilers(names: &[&'static str]) -> Vec<&'static str> {
    let found: Vec<_> = names.iter().copied().filter(|c| available(c)).collect();
    println!("compilers: {found:?} of {names:?}");
    found
}

fn compile(compiler: &str, standard: &str, source: &Path, out: &Path, fixed: bool) -> Output {
    let mut command = Command::new(compiler);
    command.arg(standard).args(STRICT).arg("-I").arg(crate_dir().join("include")).arg(source).arg("-o").arg(out);
    match fixed {
        true => command.arg(library_dir().join("libvouch.a")).args(["-lpthread", "-ldl", "-lm"]),
        false => {
            command.arg("-L").arg(library_dir()).args(["-lvouch", &format!("-Wl,-rpath,{}", library_dir().display())])
        }
    };
    command.output().unwrap()
}

fn built(compiler: &str, standard: &str, source: &Path, out: &Path, fixed: bool) {
    let result = compile(compiler, standard, source, out, fixed);
    assert!(
        result.status.success(),
        "{compiler} {standard} {}: {}",
        source.display(),
        String::from_utf8_lossy(&result.stderr)
    );
}

#[test]
fn examples_and_headers_pass_strict_compilers_shared_and_static() {
    let room = tempfile::tempdir().unwrap();
    let (c, cpp) = (compilers(&["cc", "gcc", "clang"]), compilers(&["c++", "g++", "clang++"]));
    assert!(!c.is_empty(), "no C compiler");
    // What the features add to the header.
    let text =
        "#define VOUCH_FEATURE_DOMAIN\n#define VOUCH_TEST_PANIC\n#include \"vouch.h\"\nint main(void) { return 0; }\n";
    for (compilers, standard, name) in [(&c, "-std=c99", "all.c"), (&cpp, "-std=c++17", "all.cpp")] {
        let all = room.path().join(name);
        std::fs::write(&all, text).unwrap();
        compilers.iter().for_each(|compiler| built(compiler, standard, &all, &room.path().join("all"), false));
    }
    for compiler in c {
        for example in ["score_file", "rtp_gate", "sip_gate", "watch"] {
            for fixed in [false, true] {
                let source = crate_dir().join("examples").join(example).with_extension("c");
                built(compiler, "-std=c99", &source, &room.path().join(example), fixed);
            }
        }
    }
    let source = room.path().join("refused.cpp");
    let text = r#"
        #include "vouch.hpp"
        int main() {
            vouch::engine engine;
            vouch::session session(engine, 8000);
            if (session.decide().decision != VOUCH_SPEAKER_ID_NOT_PROVIDED) return 2;
            vouch::watchlist list(engine);
            vouch::call call(engine, 8000);
            call.fraud(list, 50);
            call.start();
            call.finish();
            if (call.check_branch(VOUCH_CHECK_FRAUD) != "Inconclusive") return 5;
            vouch::enrolment enrolment(engine, 16000);
            try { enrolment.finish(); } catch (const vouch::error &e) { return e.result() == VOUCH_ERR_SILENCE ? 0 : 3; }
            return 4;
        }"#;
    std::fs::write(&source, text).unwrap();
    for compiler in cpp {
        let program = room.path().join("refused");
        built(compiler, "-std=c++17", &source, &program, true);
        assert_eq!(run(&program).status().unwrap().code(), Some(0), "{compiler}");
    }
}

/// What `vouch` gives for enrolling from one file and verifying another.
fn program_score(tools: &Toolkit, enrol: &Path, call: &Path) -> u8 {
    let input = Input::default();
    let hear = |path: &Path, windows| {
        tools.analyse_file(path, input, Wanted { windows, ..Wanted::default() }, |_| ()).unwrap()
    };
    let embedding = |values: &Option<Vec<f32>>| Embedding::new(tools.model.id(), values.as_ref().unwrap()).unwrap();
    let (first, second) = (hear(enrol, true), hear(call, false));
    let mut enroller = Enroller::new(EnrollConfig::default().least_speech_s(5.0)).unwrap();
    let evidence = RecordingEvidence {
        embedding: Some(embedding(&first.embedding)),
        windows: first.windows.clone().into(),
        net_speech_s: first.net_speech_s,
        snr_db: first.quality.snr_db,
        clipped_share: first.quality.clipped_share,
        bandwidth_hz: first.quality.bandwidth_hz,
    };
    enroller.add(evidence).unwrap();
    let template = enroller.finish().unwrap();
    let cosine = template.cosine(&embedding(&second.embedding)).unwrap();
    let conditions = Conditions { probe: second.side().unwrap(), enrol: template.side() };
    tools.calibration.score(cosine, conditions).unwrap().value()
}

fn riff(tag: u16, bits: u16, rate_hz: u32, data: &[u8]) -> Vec<u8> {
    let block = bits / 8;
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    for part in [&tag.to_le_bytes()[..], &1u16.to_le_bytes(), &rate_hz.to_le_bytes()] {
        file.extend_from_slice(part);
    }
    file.extend_from_slice(&(rate_hz * u32::from(block)).to_le_bytes());
    file.extend_from_slice(&[block.to_le_bytes(), bits.to_le_bytes()].concat());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(data);
    let size = (file.len() as u32 - 8).to_le_bytes();
    file[4..8].copy_from_slice(&size);
    file
}

/// A caller's recording in each form that the header takes: `(name, file)`.
fn forms(name: &str) -> Vec<(String, Vec<u8>)> {
    let path = crate_dir().join("../../testdata/audio/callers").join(name);
    let input = cli_audio::MonoReader::open(&path, None, cli_audio::ChannelChoice::Ask);
    let (mut reader, mut x, mut chunk) = (input.unwrap(), Vec::new(), Vec::new());
    let rate_hz = reader.spec().rate_hz;
    while reader.next_chunk(&mut chunk).unwrap() > 0 {
        x.extend_from_slice(&chunk);
    }
    let double: Vec<f32> = x.windows(2).flat_map(|w| [w[0], 0.5 * (w[0] + w[1])]).collect();
    let to_i16 = |x: &f32| (x * 32767.0) as i16;
    let mut out = Vec::new();
    for (x, rate_hz) in [(&x, rate_hz), (&double, 2 * rate_hz)] {
        let bytes = |f: &dyn Fn(&f32) -> Vec<u8>| x.iter().flat_map(f).collect::<Vec<u8>>();
        out.push((format!("pcm16@{rate_hz}"), riff(1, 16, rate_hz, &bytes(&|x| to_i16(x).to_le_bytes().to_vec()))));
        out.push((format!("float@{rate_hz}"), riff(3, 32, rate_hz, &bytes(&|x| x.to_le_bytes().to_vec()))));
        out.push((format!("pcmu@{rate_hz}"), riff(7, 8, rate_hz, &bytes(&|x| vec![g711::i16_to_ulaw(to_i16(x))]))));
        out.push((format!("pcma@{rate_hz}"), riff(6, 8, rate_hz, &bytes(&|x| vec![g711::i16_to_alaw(to_i16(x))]))));
    }
    out
}

#[test]
fn the_c_example_and_the_program_give_the_same_score() {
    let room = tempfile::tempdir().unwrap();
    let compiler = compilers(&["cc", "gcc", "clang"])[0];
    let program = room.path().join("score_file");
    built(compiler, "-std=c99", &crate_dir().join("examples/score_file.c"), &program, false);
    let tools = Toolkit::load(ModelFiles::default()).unwrap();
    let (enrol, right, wrong) = (forms("alice_enrol_1.wav"), forms("alice_call_1.wav"), forms("bob_call_1.wav"));
    let mut failures = Vec::new();
    for (i, (form, file)) in enrol.iter().enumerate() {
        let e = room.path().join(format!("{form}.enrol.wav"));
        std::fs::write(&e, file).unwrap();
        for (calls, accepted) in [(&right, true), (&wrong, false)] {
            let c = room.path().join(format!("{form}.call.wav"));
            std::fs::write(&c, &calls[i].1).unwrap();
            let score = program_score(&tools, &e, &c);
            for packet_ms in ["20", "100"] {
                let out = run(&program).args([&e, &c]).arg(packet_ms).output().unwrap();
                let (name, code) = if accepted { ("ACCEPT", 0) } else { ("REJECT", 10) };
                let want = format!("{name} {score}\n");
                if out.stdout != want.as_bytes() || out.status.code() != Some(code) {
                    failures.push(format!("{form} in {packet_ms} ms: {out:?}, not {want}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn the_watch_example_finds_the_fraudster_and_nobody_else() {
    let room = tempfile::tempdir().unwrap();
    let program = room.path().join("watch");
    let compiler = compilers(&["cc", "gcc", "clang"])[0];
    built(compiler, "-std=c99", &crate_dir().join("examples/watch.c"), &program, false);
    let written = |name: &str| -> Vec<PathBuf> {
        let forms = forms(name).into_iter();
        forms
            .map(|(form, file)| {
                let path = room.path().join(format!("{form}.{name}"));
                std::fs::write(&path, file).unwrap();
                path
            })
            .collect()
    };
    let fraudsters = ["bob_enrol_1.wav", "carol_enrol_1.wav"].map(|name| written(name).swap_remove(0));
    for (name, code) in [("bob_call_1.wav", 15), ("dave_call_1.wav", 0)] {
        for call in written(name) {
            let out = run(&program).arg(&call).args(&fraudsters).output().unwrap();
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            assert_eq!(out.status.code(), Some(code), "{}: {out:?}", call.display());
            assert!(text.contains(if code == 15 { "bob_enrol_1" } else { "LOW_RISK" }), "{text}");
        }
    }
}

/// Python reaches the library through `ctypes` alone.
#[test]
fn the_python_example_and_the_program_give_the_same_score() {
    if !available("python3") {
        println!("skipped: python3 is not installed");
        return;
    }
    let tools = Toolkit::load(ModelFiles::default()).unwrap();
    let room = tempfile::tempdir().unwrap();
    for (call, code) in [("alice_call_1.wav", 0), ("bob_call_1.wav", 10)] {
        // Its standard library reads PCM only.
        let paths = ["alice_enrol_1.wav", call].map(|name| {
            let path = room.path().join(name);
            std::fs::write(&path, &forms(name)[0].1).unwrap();
            path
        });
        let out = Command::new("python3")
            .arg(crate_dir().join("examples/vouch_ctypes.py"))
            .arg(library_dir().join("libvouch.so"))
            .args(&paths)
            .output()
            .unwrap();
        let score = program_score(&tools, &paths[0], &paths[1]);
        let want = format!("{} {score}\n", if code == 0 { "ACCEPT" } else { "REJECT" });
        assert_eq!(
            (String::from_utf8_lossy(&out.stdout).as_ref(), out.status.code()),
            (&want[..], Some(code)),
            "{out:?}"
        );
    }
}

#[test]
fn only_vouch_symbols_are_exported() {
    let library = library_dir().join("libvouch.so");
    let Ok(out) = Command::new("nm").args(["-D", "--defined-only"]).arg(&library).output() else {
        println!("skipped: nm is not installed");
        return;
    };
    assert!(out.status.success(), "{out:?}");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let names: Vec<&str> = text.lines().filter_map(|l| l.split_whitespace().nth(2)).collect();
    let foreign: Vec<_> = names.iter().filter(|n| !n.starts_with("vouch_")).collect();
    assert!(names.len() > 60 && foreign.is_empty(), "{foreign:?}");
    // Every function of the header is there.
    let header = std::fs::read_to_string(crate_dir().join("include/vouch.h")).unwrap();
    let code = header.lines().filter(|l| !l.trim_start().starts_with('*') && !l.trim_start().starts_with("/*"));
    let code = code.collect::<Vec<_>>().join("\n");
    let declared = code.match_indices("vouch_").filter_map(|(i, _)| {
        let name: &str = code[i..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        let optional =
            ["vouch_test_panic", "vouch_watchlist_fraudster"].contains(&name) || name.starts_with("vouch_domain_");
        (code[i + name.len()..].starts_with('(') && !optional).then_some(name)
    });
    let missing: Vec<_> = declared.filter(|d| !names.contains(d)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_header_is_what_cbindgen_makes_of_the_source() {
    let Ok(out) = Command::new("cbindgen").arg("--version").output() else {
        println!("skipped: cbindgen is not installed");
        return;
    };
    let version = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    if version != "cbindgen 0.29.4" {
        println!("skipped: {version}, the header is made by 0.29.4");
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let made = room.path().join("vouch.h");
    let status = Command::new("cbindgen")
        .args(["--quiet", "--crate", "cli-capi", "--config", "cbindgen.toml", "--output"])
        .arg(&made)
        .current_dir(crate_dir())
        .status();
    assert!(status.unwrap().success());
    let committed = std::fs::read_to_string(crate_dir().join("include/vouch.h")).unwrap();
    assert!(
        std::fs::read_to_string(made).unwrap() == committed,
        "run cbindgen: include/vouch.h is not what the source says"
    );
    let version = format!("#define VOUCH_VERSION_NUMBER {}", vouch::vouch_version_number());
    assert!(committed.contains(&version), "the header is of another version than the crate");
}

#[test]
fn the_sanitizers_find_nothing() {
    let room = tempfile::tempdir().unwrap();
    let (source, program) = (crate_dir().join("tests/misuse.c"), room.path().join("misuse"));
    let sanitized = ["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let (probe, nothing) = (room.path().join("probe.c"), room.path().join("probe"));
    std::fs::write(&probe, "int main(void) { return 0; }").unwrap();
    let mut ran = 0;
    for compiler in compilers(&["gcc", "clang"]) {
        let known = Command::new(compiler).args(sanitized).arg(&probe).arg("-o").arg(&nothing).output().unwrap();
        if !known.status.success() {
            println!("skipped: {compiler} has no sanitizers here: {}", String::from_utf8_lossy(&known.stderr));
            continue;
        }
        let mut command = Command::new(compiler);
        command.args(sanitized).args(STRICT);
        command.arg("-I").arg(crate_dir().join("include")).arg(&source).arg("-o").arg(&program);
        command.arg(library_dir().join("libvouch.a")).args(["-lpthread", "-ldl", "-lm"]);
        let built = command.output().unwrap();
        assert!(built.status.success(), "{compiler}: {}", String::from_utf8_lossy(&built.stderr));
        // Proof that they are on.
        let bytes = std::fs::read(&program).unwrap();
        assert!(bytes.windows(11).any(|w| w == b"__asan_init"), "{compiler}: built without AddressSanitizer");
        let out = run(&program).output().unwrap();
        assert!(out.status.success(), "{compiler}: {out:?}");
        ran += 1;
    }
    println!("{ran} sanitized programs ran");
}

#[test]
fn valgrind_finds_nothing() {
    let room = tempfile::tempdir().unwrap();
    if !available("valgrind") {
        println!("skipped: valgrind is not installed");
        return;
    }
    let program = room.path().join("misuse");
    built("cc", "-std=c99", &crate_dir().join("tests/misuse.c"), &program, true);
    let mut valgrind = Command::new("valgrind");
    valgrind.args([
        "-q",
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ]);
    let out = valgrind.arg(&program).output().unwrap();
    assert!(out.status.success(), "{out:?}");
}
