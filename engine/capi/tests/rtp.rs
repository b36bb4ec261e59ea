//! RTP by software that is not ours: ffmpeg streams a call to `rtp_gate`, whole and with packets dropped on the way. Skipped, and said so,
//! where ffmpeg is not installed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/audio/callers").join(name)
}

fn gate(room: &Path) -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let libraries = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let program = room.join("rtp_gate");
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-O1", "-I"]).arg(crate_dir.join("include")).arg(crate_dir.join("examples/rtp_gate.c"));
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

/// Runs the gate with `args` after its port, and ffmpeg towards it.
fn call(gate: &Path, args: &[&str], file: &Path, codec: &str, drop_some: bool) -> (Output, usize) {
    let port = free_port();
    let mut process = Command::new(gate);
    // The library just built, whatever else cargo's environment points to.
    process.env("LD_LIBRARY_PATH", std::env::current_exe().unwrap().parent().unwrap());
    process.arg(port.to_string()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = process.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
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
    if !Command::new("ffmpeg").arg("-version").output().is_ok_and(|o| o.status.success()) {
        println!("skipped: ffmpeg is not installed");
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let (gate, print) = (gate(room.path()), room.path().join("alice.voiceprint"));
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
