//! `vouch listen` against a virtual microphone: a PulseAudio null sink that plays a recording. Skipped, and said so, where PulseAudio is
//! not installed.
#![cfg(feature = "mic")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A sound server of its own, ended with the test.
struct Server {
    dir: tempfile::TempDir,
    process: Child,
}

impl Server {
    fn start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let mut pulse = Command::new("pulseaudio");
        pulse.args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-level=error"]);
        pulse.args(["-L", "module-null-sink sink_name=phone rate=48000"]);
        pulse.args(["-L", &format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display())]);
        let process = pulse.env("XDG_RUNTIME_DIR", dir.path()).env("HOME", dir.path()).stderr(Stdio::null()).spawn();
        let Ok(process) = process else {
            println!("skipped: pulseaudio is not installed");
            return None;
        };
        let server = Self { dir, process };
        for _ in 0..100 {
            if server
                .command("pactl")
                .args(["set-default-source", "phone.monitor"])
                .output()
                .is_ok_and(|o| o.status.success())
            {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("pulseaudio runs, but does not answer")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("PULSE_SERVER", format!("unix:{}", self.dir.path().join("socket").display()));
        command.env("XDG_RUNTIME_DIR", self.dir.path()).env("HOME", self.dir.path());
        command
    }

    fn play(&self, file: &Path) -> Child {
        self.command("paplay").arg("--device=phone").arg(file).spawn().unwrap()
    }

    fn vouch(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_vouch"));
        command.args(args).env("VOUCH_DOMAIN", self.dir.path().join("vouch.domain")).current_dir(self.dir.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/audio/callers").join(name)
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

#[test]
fn the_microphone_decides_as_the_file_does() {
    let Some(server) = Server::start() else { return };
    assert!(server.vouch(&["domain", "create"]).output().unwrap().status.success());
    let (a, b) = (caller("alice_enrol_1.wav"), caller("alice_enrol_2.wav"));
    let enroll = server.vouch(&["enroll", "--speaker", "alice"]).args([&a, &b]).output().unwrap();
    assert!(enroll.status.success(), "{enroll:?}");
    for (file, decision) in [("alice_call_1.wav", "ACCEPT"), ("bob_call_1.wav", "REJECT")] {
        let file = caller(file);
        let whole = server.vouch(&["verify", "--speaker", "alice", "--json"]).arg(&file).output().unwrap();
        assert_eq!(json(&whole)["AuthenticationResult"]["Decision"], decision);
        let record = server.dir.path().join("heard.wav");
        let mut listen =
            server.vouch(&["listen", "--speaker", "alice", "--json", "--seconds", "40", "--consent", "a test"]);
        let listen = listen.arg("--record").arg(&record).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(800));
        let mut player = server.play(&file);
        let out = listen.wait_with_output().unwrap();
        let _ = player.kill();
        let _ = player.wait();
        let heard = json(&out);
        assert_eq!(heard["AuthenticationResult"]["Decision"], decision, "{heard}");
        assert_eq!(out.status.code(), whole.status.code());
        assert!(heard["NetSpeechSeconds"].as_f64().unwrap() >= 10.0, "{heard}");
        // What was recorded is what was heard: the same decision again.
        let again = server.vouch(&["verify", "--speaker", "alice", "--json"]).arg(&record).output().unwrap();
        assert_eq!(json(&again)["AuthenticationResult"]["Decision"], decision);
    }
}

#[test]
fn usage_is_checked_before_the_microphone_opens() {
    let Some(server) = Server::start() else { return };
    for (args, code, named) in [
        (vec!["listen"], 3, "--speaker"),
        (vec!["listen", "--speaker", "alice"], 3, "vouch.domain"),
        (vec!["listen", "--speaker", "alice", "--record", "x.wav"], 2, "--consent"),
        (vec!["listen", "--speaker", "alice", "--min-speech", "4"], 2, "--min-speech"),
    ] {
        let out = server.vouch(&args).output().unwrap();
        let err = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(code) && err.contains(named), "{args:?}: {out:?}");
    }
    assert!(server.vouch(&["domain", "create"]).output().unwrap().status.success());
    let out = server.vouch(&["listen", "--speaker", "alice", "--device", "no such thing"]).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stderr).contains("no such device"), "{out:?}");
}
