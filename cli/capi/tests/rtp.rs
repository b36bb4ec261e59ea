//! RTP and SIP by software that is not ours: ffmpeg streams a call to `rtp_gate`, whole and with packets dropped on the way; baresip calls
//! `sip_gate`. Skipped, and said so, where they are not installed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vouch::vouch_result::VOUCH_OK;

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/audio/callers").join(name)
}

fn gate(room: &Path, name: &str, more: &[&str]) -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libraries = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let program = room.join(name);
    let source = crate_dir.join("examples").join(name).with_extension("c");
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-O1"]).args(more).arg("-I").arg(crate_dir.join("include")).arg(source);
    cc.arg("-o").arg(&program).arg("-L").arg(&libraries);
    cc.args(["-lvouch", &format!("-Wl,-rpath,{}", libraries.display())]);
    assert!(cc.status().unwrap().success());
    program
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Passes datagrams on, every twentieth dropped, two in a row now and then swapped.
fn lossy(to: u16, stop: &AtomicBool) -> (u16, impl FnOnce() -> (usize, usize)) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let port = socket.local_addr().unwrap().port();
    let work = move || {
        let (mut seen, mut dropped, mut held) = (0usize, 0usize, None::<Vec<u8>>);
        let mut datagram = [0; 2048];
        while !stop.load(Ordering::Relaxed) {
            let Ok(n) = socket.recv(&mut datagram) else { continue };
            seen += 1;
            // A fixed, uneven pattern: 5 % lost, another 5 % late by one.
            match (seen * 7919) % 20 {
                0 => dropped += 1,
                1 if held.is_none() => held = Some(datagram[..n].to_vec()),
                _ => {
                    let _ = socket.send_to(&datagram[..n], ("127.0.0.1", to));
                    if let Some(late) = held.take() {
                        let _ = socket.send_to(&late, ("127.0.0.1", to));
                    }
                }
            }
        }
        (seen, dropped)
    };
    (port, work)
}

fn installed(program: &str, version: &str) -> bool {
    let there = Command::new(program).arg(version).output().is_ok_and(|o| o.status.success());
    if !there {
        println!("skipped: {program} is not installed");
    }
    there
}

/// The program that was built, with the library just built, whatever else cargo's environment points to.
fn start(program: &Path, args: &[&str]) -> Child {
    let mut process = Command::new(program);
    process.env("LD_LIBRARY_PATH", std::env::current_exe().unwrap().parent().unwrap());
    let process = process.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    process
}

/// Runs the gate with `args` after its port, and ffmpeg towards it.
fn call(gate: &Path, args: &[&str], file: &Path, codec: &str, drop_some: bool) -> (Output, usize) {
    let port = free_port();
    let process = start(gate, &[&[port.to_string().as_str()], args].concat());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (entry, lossy) = match drop_some {
            true => {
                let (entry, work) = lossy(port, &stop);
                (entry, Some(scope.spawn(work)))
            }
            false => (port, None),
        };
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "quiet", "-nostdin", "-re", "-i"]).arg(file);
        ffmpeg.args(["-ar", "8000", "-ac", "1", "-c:a", codec, "-f", "rtp"]);
        ffmpeg.arg(format!("rtp://127.0.0.1:{entry}?pkt_size=172")).stdout(Stdio::null());
        let mut sender = ffmpeg.spawn().unwrap();
        let out = process.wait_with_output().unwrap();
        let _ = sender.kill();
        let _ = sender.wait();
        stop.store(true, Ordering::Relaxed);
        (out, lossy.map_or(0, |thread| thread.join().unwrap().1))
    })
}

#[test]
fn ffmpeg_calls_are_decided_with_and_without_packet_loss() {
    if !installed("ffmpeg", "-version") {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let (gate, print) = (gate(room.path(), "rtp_gate", &[]), room.path().join("alice.voiceprint"));
    let print = print.to_str().unwrap();
    let (out, _) = call(&gate, &["--enrol", print, "8"], &caller("alice_enrol_1.wav"), "pcm_mulaw", false);
    assert!(out.status.success(), "{out:?}");
    for (file, codec, drop_some, decision, code) in [
        ("alice_call_1.wav", "pcm_mulaw", false, "ACCEPT", 0),
        ("alice_call_1.wav", "pcm_mulaw", true, "ACCEPT", 0),
        ("bob_call_1.wav", "pcm_alaw", true, "REJECT", 10),
    ] {
        // 8 s of net speech: the recordings have little more than 10, and the lossy one less.
        let (out, dropped) = call(&gate, &[print, "90", "8"], &caller(file), codec, drop_some);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(text.starts_with(decision) && out.status.code() == Some(code), "{file} {drop_some}: {out:?}");
        let field =
            |name: &str| text.split(name).nth(1).unwrap().split_whitespace().next().unwrap().parse::<usize>().unwrap();
        assert!(field("packets=") > 300, "{text}");
        assert_eq!(drop_some, dropped > 5, "{dropped}");
        // Some that were dropped last were not missed yet when the decision fell.
        assert!(field("lost=") <= dropped && field("lost=") + 3 >= dropped, "{text} {dropped}");
    }
}

/// 16-bit PCM of a caller's file at 8 kHz, as a WAV file in the room.
fn wav(room: &Path, name: &str) -> PathBuf {
    let mut reader = cli_audio::MonoReader::open(&caller(name), None, cli_audio::ChannelChoice::Ask).unwrap();
    let (mut x, mut chunk) = (Vec::new(), Vec::new());
    while reader.next_chunk(&mut chunk).unwrap() > 0 {
        x.extend_from_slice(&chunk);
    }
    // What a telephone takes: 8 kHz, of a wide-band recording the mean of two samples.
    let step = reader.spec().rate_hz as usize / 8_000;
    let mean = |s: &[f32]| engine::audio::f32_to_i16(s.iter().sum::<f32>() / s.len() as f32);
    let x: Vec<u8> = x.chunks_exact(step).flat_map(|s| mean(s).to_le_bytes()).collect();
    let (rate, size) = (8_000u32, x.len() as u32);
    let mut file = b"RIFF".to_vec();
    file.extend((size + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend([rate.to_le_bytes(), (2 * rate).to_le_bytes()].concat());
    file.extend(b"\x02\0\x10\0data");
    file.extend(size.to_le_bytes());
    file.extend(x);
    let path = room.join(name);
    std::fs::write(&path, file).unwrap();
    path
}

/// A voiceprint from one file, through the library.
fn voiceprint(room: &Path, name: &str) -> PathBuf {
    let mut reader = cli_audio::MonoReader::open(&caller(name), None, cli_audio::ChannelChoice::Ask).unwrap();
    let (mut engine, mut enrolment, mut chunk) = (std::ptr::null_mut(), std::ptr::null_mut(), Vec::new());
    let (mut bytes, mut size) = (vec![0u8; 1 << 16], 0);
    // SAFETY: every pointer is to a live place or buffer of the size given with it.
    unsafe {
        assert_eq!(vouch::vouch_engine_new(&mut engine), VOUCH_OK);
        assert_eq!(vouch::vouch_enrolment_new(engine, reader.spec().rate_hz, &mut enrolment), VOUCH_OK);
        assert_eq!(vouch::vouch_enrolment_set_speech(enrolment, 8_000, 8_000), VOUCH_OK);
        while reader.next_chunk(&mut chunk).unwrap() > 0 {
            assert_eq!(vouch::vouch_enrolment_push_f32(enrolment, chunk.as_ptr(), chunk.len()), VOUCH_OK);
        }
        assert_eq!(vouch::vouch_enrolment_finish(enrolment), VOUCH_OK);
        let done = vouch::vouch_enrolment_voiceprint(enrolment, bytes.as_mut_ptr(), bytes.len(), &mut size);
        assert_eq!(done, VOUCH_OK);
        vouch::vouch_enrolment_free(enrolment);
        vouch::vouch_engine_free(engine);
    }
    let path = room.join("voiceprint");
    std::fs::write(&path, &bytes[..size]).unwrap();
    path
}

#[test]
fn a_sip_call_of_baresip_is_answered_decided_and_hung_up() {
    // Its modules come with it; without them it has no codec and no source.
    let modules = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    let Some(modules) = modules.iter().find(|m| Path::new(m).join("aufile.so").exists()) else {
        println!("skipped: baresip is not installed");
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let gate = gate(room.path(), "sip_gate", &[]);
    let print = voiceprint(room.path(), "alice_enrol_1.wav");
    for (file, decision, code) in [("alice_call_1.wav", "ACCEPT", 0), ("bob_call_1.wav", "REJECT", 10)] {
        let (port, started) = (free_port().to_string(), std::time::Instant::now());
        let process = start(&gate, &["127.0.0.1", &port, print.to_str().unwrap(), "90", "8", "60"]);
        let modules_used =
            "module g711.so\nmodule aufile.so\nmodule uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n";
        let (sound, heard) = (wav(room.path(), file), room.path().join("heard.wav"));
        let config = format!(
            "module_path {modules}\n{modules_used}audio_player aufile,{}\naudio_source aufile,{}\nsip_listen 127.0.0.1:0\n",
            heard.display(),
            sound.display()
        );
        std::fs::write(room.path().join("config"), config).unwrap();
        std::fs::write(room.path().join("accounts"), "<sip:caller@127.0.0.1>;regint=0\n").unwrap();
        let mut baresip = Command::new("baresip");
        baresip.arg("-f").arg(room.path()).args(["-t", "40", "-e", &format!("/dial sip:gate@127.0.0.1:{port}")]);
        let log = std::fs::File::create(room.path().join("log")).unwrap();
        let mut caller = baresip.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let out = process.wait_with_output().unwrap();
        let seconds = started.elapsed().as_secs_f64();
        // The caller is told that the call is over.
        let told = || std::fs::read(room.path().join("log")).is_ok_and(|l| l.windows(10).any(|w| w == b"terminated"));
        let ended = (0..50).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            told()
        });
        let _ = caller.kill();
        let _ = caller.wait();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let log = String::from_utf8_lossy(&std::fs::read(room.path().join("log")).unwrap()).into_owned();
        assert!(text.starts_with(decision) && out.status.code() == Some(code), "{file}: {out:?} {log}");
        assert!(ended, "{log}");
        // 8 s of net speech take the caller 8 s and little more.
        assert!(seconds < 20.0, "{seconds}");
        println!("{file}: {} after {seconds:.1} s of the call", text.trim());
    }
}

#[test]
fn signalling_of_any_kind_does_no_harm() {
    let room = tempfile::tempdir().unwrap();
    let probe = room.path().join("probe.c");
    std::fs::write(&probe, "int main(void) { return 0; }").unwrap();
    let sanitized = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let known = Command::new("cc").args(sanitized).arg(&probe).arg("-o").arg(room.path().join("probe")).output();
    let sanitized: &[&str] = if known.is_ok_and(|o| o.status.success()) { &sanitized } else { &[] };
    println!("sanitizers: {sanitized:?}");
    let gate = gate(room.path(), "sip_gate", sanitized);
    let print = voiceprint(room.path(), "alice_enrol_1.wav");
    let port = free_port();
    let mut process = start(&gate, &["127.0.0.1", &port.to_string(), print.to_str().unwrap(), "90", "10", "120"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = |method: &str, id: &str| {
        format!(
            "{method} sip:gate@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{};branch=z9hG4bKa\r\nf: <sip:a@b>;tag=1\r\n\
             To: <sip:gate@127.0.0.1>\r\nCall-ID: {id}\r\nCSeq: 7 {method}\r\nContact: <sip:a@127.0.0.1:9>\r\n\
             Record-Route: <sip:p@127.0.0.1;lr>\r\n\r\n",
            socket.local_addr().unwrap().port()
        )
    };
    let ask = |message: &str| {
        socket.send_to(message.as_bytes(), ("127.0.0.1", port)).unwrap();
        let mut answer = [0; 4096];
        let n = socket.recv(&mut answer).unwrap_or_else(|e| panic!("no answer to {message}: {e}"));
        String::from_utf8_lossy(&answer[..n]).into_owned()
    };
    let offer = |types: &str| format!("v=0\r\nm=audio 9 RTP/AVP {types}\r\n");
    let options = ask(&head("OPTIONS", "x"));
    assert!(options.starts_with("SIP/2.0 200 ") && options.contains("To: <sip:gate@127.0.0.1>;tag="), "{options}");
    assert!(ask(&(head("INVITE", "video") + &offer("96 97"))).starts_with("SIP/2.0 488 "));
    assert!(ask(&head("INVITE", "nothing")).starts_with("SIP/2.0 488 "));
    assert!(ask(&head("BYE", "nobody's")).starts_with("SIP/2.0 481 "));
    assert!(ask(&head("SUBSCRIBE", "x")).starts_with("SIP/2.0 501 "));

    // Everything that a bit, a byte or a length can do to a call, before the real one and during it.
    let invite = head("INVITE", "one") + &offer("8 101");
    let mut random = 1u64;
    let mut draw = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let mut storm = |count: usize, socket: &UdpSocket| {
        for i in 0..count {
            let mut bytes = head(["OPTIONS", "BYE", "CANCEL", "SUBSCRIBE"][i % 4], "other").into_bytes();
            for _ in 0..=draw(8) {
                let at = draw(bytes.len());
                match draw(4) {
                    0 => bytes[at] = draw(256) as u8,
                    1 => bytes.truncate(at.max(1)),
                    2 => drop(bytes.splice(at..at, std::iter::repeat_n(b'a', draw(3_000)))),
                    _ => drop(bytes.splice(at..at, *b"\r\n\r\n")),
                }
            }
            bytes.truncate(9_000);
            socket.send_to(&bytes, ("127.0.0.1", port)).unwrap();
            if i % 50 == 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    };
    let noise = UdpSocket::bind("127.0.0.1:0").unwrap();
    storm(2_000, &noise);
    let answer = ask(&invite);
    assert!(
        answer.starts_with("SIP/2.0 200 ") && answer.contains("m=audio ") && answer.contains("Record-Route: "),
        "{answer}"
    );
    assert_eq!(ask(&invite), answer, "the same again when it is lost");
    assert!(ask(&(head("INVITE", "two") + &offer("0"))).starts_with("SIP/2.0 486 "));
    storm(2_000, &noise);
    // Media of any kind too.
    let media = answer.split("m=audio ").nth(1).unwrap().split(' ').next().unwrap().parse::<u16>().unwrap();
    for i in 0..2_000u32 {
        let mut packet: Vec<u8> = (0..draw(400)).map(|_| draw(256) as u8).collect();
        if let (Some(first), true) = (packet.first_mut(), i % 2 == 0) {
            *first = 0x80 | (*first & 0x3f);
        }
        noise.send_to(&packet, ("127.0.0.1", media)).unwrap();
        if i % 50 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    assert!(process.try_wait().unwrap().is_none(), "it is still there");
    assert!(ask(&head("BYE", "one")).starts_with("SIP/2.0 200 "));
    let out = process.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(11), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stdout).starts_with("NOT_ENOUGH_SPEECH"), "{out:?}");
}
