//! `vouch privacy`: records in, records out, one a line.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn vouch(dir: &std::path::Path, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
    command.args(args).current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let feed = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let out = child.wait_with_output().unwrap();
    feed.join().unwrap();
    out
}

#[test]
fn records_are_filtered_line_by_line_and_a_broken_one_is_told_and_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let good =
        json!({"ContactId": "1", "CustomerEndpoint": {"Address": "+12125550123"}, "Queue": {"Name": "q", "ARN": "a"}});
    let input = format!("{good}\n\n{{\"ContactId\": \"secret\n{good}\n");
    let out = vouch(dir.path(), &["privacy", "filter", "--preset", "operata"], &input);
    assert_eq!(out.status.code(), Some(3));
    let lines: Vec<Value> =
        String::from_utf8_lossy(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines, vec![json!({"ContactId": "1", "Queue": {"Name": "q"}}); 2]);
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(told.contains(":3: no JSON") && !told.contains("secret"), "{told}");

    let config = json!({"type": "DENY", "fields": ["Queue"], "encrypt": ["CustomerEndpoint.Address"]});
    std::fs::write(dir.path().join("c.json"), config.to_string()).unwrap();
    let run = |more: &[&str]| {
        vouch(dir.path(), &[&["privacy", "filter", "--config", "c.json"], more].concat(), &format!("{good}\n"))
    };
    assert!(String::from_utf8_lossy(&run(&[]).stderr).contains("--key"));
    // The key is made where it is not there, and equal values are equal under it.
    let sealed = || {
        let keyed = run(&["--key", "k"]);
        assert_eq!(keyed.status.code(), Some(0), "{keyed:?}");
        let record: Value = serde_json::from_slice(&keyed.stdout).unwrap();
        assert!(record.get("Queue").is_none());
        record["CustomerEndpoint"]["Address"].as_str().unwrap().to_owned()
    };
    let first = sealed();
    assert!(first.starts_with("hmac-sha256:") && !first.contains("2125550123"));
    assert_eq!(sealed(), first);
    let refused = run(&["--preset", "operata"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("mandatory fields cannot be withheld"), "{refused:?}");
    let effective = vouch(dir.path(), &["privacy", "effective", "--preset", "operata", "--json"], "");
    let effective: Value = serde_json::from_slice(&effective.stdout).unwrap();
    assert_eq!((effective["Mode"].as_str(), effective["Mandatory"].as_array().unwrap().len()), (Some("ALLOW"), 39));
}
