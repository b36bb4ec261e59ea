//! Killed processes, processes at once, and full disks.
//!
//! The tests run this same executable as a child, which does the work that [`child`] finds in its environment.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cli_store::{Clock, Domain, Event, Lookup, OpenOptions, SpeakerStatus, StoreError, StoredEvent, SystemClock};
use common::*;

const WORK: &str = "VOUCH_STORE_TEST_WORK";
const DIR: &str = "VOUCH_STORE_TEST_DIR";
const RANGE: &str = "VOUCH_STORE_TEST_RANGE";

fn acknowledge(n: u64) {
    let mut out = std::io::stdout();
    writeln!(out, "\nACK {n}").unwrap();
    out.flush().unwrap();
}

/// Does nothing unless it was started by another test of this file.
#[test]
fn child() {
    let Ok(work) = std::env::var(WORK) else { return };
    let dir = std::path::PathBuf::from(std::env::var(DIR).unwrap());
    let range = std::env::var(RANGE).unwrap();
    let (from, to) = range.split_once('-').unwrap();
    let numbers = from.parse::<u64>().unwrap()..to.parse::<u64>().unwrap();
    match work.as_str() {
        "enrol" => {
            let domain = Domain::open(&dir).unwrap();
            for n in numbers {
                let id = speaker(&format!("s{n}"));
                domain.put_voiceprint(&id, enrolment(&numbered_template(n)).overwrite(true)).unwrap();
                acknowledge(n);
            }
        }
        "rekey" => {
            let domain = Domain::open(&dir).unwrap();
            for n in numbers {
                domain.rekey().unwrap();
                acknowledge(n);
            }
        }
        "tell" => {
            let domain = Domain::open_with(&dir, OpenOptions::default().journal("journal")).unwrap();
            let mut passed = fs::File::options().create(true).append(true).open(dir.with_extension("events")).unwrap();
            for n in numbers {
                let id = speaker(&format!("s{}", n % 7));
                domain.put_voiceprint(&id, enrolment(&numbered_template(n)).overwrite(true)).unwrap();
                if n % 3 == 2 {
                    domain.delete_speaker(&id).unwrap();
                }
                // So that kills come here too: the change is made, and nobody was told.
                std::thread::sleep(Duration::from_millis(1));
                let outbox = domain.outbox("journal").unwrap();
                for event in outbox.take(10).unwrap() {
                    passed.write_all(line_of(&event).as_bytes()).unwrap();
                    outbox.acknowledge(&[event.seq]).unwrap();
                }
                acknowledge(n);
            }
        }
        "churn" => {
            let domain = Domain::open(&dir).unwrap();
            for n in numbers {
                let id = speaker("churn");
                domain.put_voiceprint(&id, enrolment(&numbered_template(n)).overwrite(true)).unwrap();
                domain.delete_speaker(&id).unwrap();
                acknowledge(n);
            }
        }
        "create" => {
            for n in numbers {
                Domain::create(&dir.join(format!("d{n}")), new_domain()).unwrap();
                acknowledge(n);
            }
        }
        other => panic!("{other}"),
    }
}

/// The event as the child passes it on: its number and whom it is about, in one write.
fn line_of(event: &StoredEvent) -> String {
    let speaker = match &event.event {
        Event::SpeakerEnrolled { speaker, .. } | Event::SpeakerDeleted { speaker } => speaker,
        other => panic!("{other:?}"),
    };
    format!("{} {speaker}\n", event.seq)
}

fn start(work: &str, dir: &Path, range: std::ops::Range<u64>) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(WORK, work)
        .env(DIR, dir)
        .env(RANGE, format!("{}-{}", range.start, range.end))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// The numbers that the child acknowledged until it ended.
fn acknowledged(child: &mut Child) -> Vec<u64> {
    let out = BufReader::new(child.stdout.take().unwrap());
    out.lines().map_while(Result::ok).filter_map(|l| l.strip_prefix("ACK ")?.parse().ok()).collect()
}

/// Starts a child, kills it some time after it acknowledged `acks` pieces of work, and returns what it acknowledged in
/// all and whether it was killed. Without `acks` the time runs from its start.
fn start_and_kill(work: &str, dir: &Path, range: std::ops::Range<u64>, acks: u64, delay: Duration) -> (Vec<u64>, bool) {
    let mut child = start(work, dir, range);
    let out = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let lines = out.lines().map_while(Result::ok);
        for n in lines.filter_map(|l| l.strip_prefix("ACK ")?.parse::<u64>().ok()) {
            let _ = sender.send(n);
        }
    });
    let mut seen: Vec<u64> = receiver.iter().take(acks as usize).collect();
    std::thread::sleep(delay);
    let _ = child.kill();
    let killed = child.wait().unwrap().code().is_none();
    reader.join().unwrap();
    seen.extend(receiver.iter());
    (seen, killed)
}

/// When to kill: mostly within 3 ms of one of the first acknowledgements, sometimes while the child starts.
fn moment(rng: &mut Rng) -> (u64, Duration) {
    match rng.next() % 4 {
        0 => (0, Duration::from_micros(rng.next() % 40_000)),
        _ => (1 + rng.next() % 6, Duration::from_micros(rng.next() % 3_000)),
    }
}

fn integrity(dir: &Path) {
    let rows = raw_rows(dir, "PRAGMA integrity_check");
    assert_eq!(sqlx::Row::get::<String, _>(&rows[0], 0), "ok");
    assert!(raw_rows(dir, "PRAGMA foreign_key_check").is_empty());
}

/// Checks that every speaker is whole, and returns their numbers.
fn whole(dir: &Path) -> BTreeSet<u64> {
    let domain = Domain::open(dir).unwrap();
    let mut seen = BTreeSet::new();
    domain
        .for_each_enrolled(|s, print| {
            let n = s.customer_speaker_id.as_str()[1..].parse().unwrap();
            assert_eq!(print.template(), numbered_template(n), "s{n} is not what was enrolled");
            assert!(matches!(domain.voiceprint(&s.customer_speaker_id.clone().into())?, Lookup::Enrolled(_)));
            seen.insert(n);
            Ok(())
        })
        .unwrap();
    assert_eq!(domain.count_speakers().unwrap(), seen.len() as u64, "a speaker without a voiceprint");
    assert_eq!(raw_rows(dir, "SELECT 1 FROM voiceprints").len(), seen.len(), "a voiceprint without a speaker");
    domain.verify_audit().unwrap();
    integrity(dir);
    seen
}

#[test]
fn kill_during_200_enrolments_loses_nothing_acknowledged() {
    let f = fixture();
    drop(f.domain);
    let seed = 0x5eed_0001;
    let mut rng = Rng(seed);
    let (mut acked, mut kills, mut extra) = (BTreeSet::new(), 0, 0);
    let mut next = 0;
    let deadline = Instant::now() + Duration::from_secs(40);
    while next < 200 {
        assert!(Instant::now() < deadline, "too slow: {next} after {kills} kills, seed {seed:#x}");
        let (after, delay) = moment(&mut rng);
        let (acks, killed) = start_and_kill("enrol", &f.dir, next..200, after, delay);
        kills += u32::from(killed);
        acked.extend(acks);
        let seen = whole(&f.dir);
        let lost: Vec<_> = acked.difference(&seen).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}, seed {seed:#x}");
        // At most the one that was under way may be there unacknowledged.
        let unasked: Vec<_> = seen.difference(&acked).copied().collect();
        assert!(unasked.len() <= 1 + extra, "{unasked:?}");
        extra = unasked.len();
        next = acked.last().map_or(0, |n| n + 1);
        // Some kills come while nothing was acknowledged yet; let the work go on from what is there.
        next = next.max(seen.last().map_or(0, |n| *n));
    }
    println!("{kills} kills, {} acknowledged", acked.len());
    assert!(kills >= 10, "only {kills} kills: the test did not test");
    assert_eq!(whole(&f.dir), (0..200).collect());
}

#[test]
fn kill_during_rekeying_keeps_the_domain_open() {
    let f = fixture();
    for n in 0..3 {
        f.domain.put_voiceprint(&speaker(&format!("s{n}")), enrolment(&numbered_template(n))).unwrap();
    }
    drop(f.domain);
    let mut rng = Rng(0x5eed_0002);
    let (mut kills, mut done) = (0, 0);
    for _ in 0..20 {
        let (after, delay) = moment(&mut rng);
        let (acks, killed) = start_and_kill("rekey", &f.dir, 0..10_000, after, delay);
        kills += u32::from(killed);
        done += acks.len();
        assert_eq!(whole(&f.dir), (0..3).collect());
    }
    println!("{kills} kills, {done} rekeyings");
    assert!(kills == 20 && done > 0, "{kills} kills, {done} rekeyings");
    Domain::open(&f.dir).unwrap().rekey().unwrap();
    assert_eq!(raw_rows(&f.dir, "SELECT 1 FROM data_keys").len(), 1);
}

#[test]
fn kill_during_deletion_leaves_a_whole_speaker_or_none() {
    let f = fixture();
    for n in 0..3 {
        f.domain.put_voiceprint(&speaker(&format!("s{n}")), enrolment(&numbered_template(n))).unwrap();
    }
    drop(f.domain);
    let mut rng = Rng(0x5eed_0003);
    let mut done = 0;
    for _ in 0..20 {
        let (after, delay) = moment(&mut rng);
        let (acks, _) = start_and_kill("churn", &f.dir, 0..10_000, after, delay);
        done += acks.len();
        let domain = Domain::open(&f.dir).unwrap();
        match domain.describe_speaker(&speaker("churn")) {
            Ok(s) => {
                assert_eq!(s.status, SpeakerStatus::Enrolled);
                assert!(template_of(&domain, &speaker("churn")).is_some());
                domain.delete_speaker(&speaker("churn")).unwrap();
            }
            Err(e) => assert!(matches!(e, StoreError::NotFound { .. }), "{e}"),
        }
        drop(domain);
        assert_eq!(whole(&f.dir), (0..3).collect());
    }
    assert!(done > 0);
}

#[test]
fn kill_during_creation_leaves_a_whole_domain_or_none() {
    let parent = tempfile::tempdir().unwrap();
    let mut rng = Rng(0x5eed_0004);
    let (mut next, mut acked) = (0, Vec::new());
    for _ in 0..20 {
        let (after, delay) = moment(&mut rng);
        let (acks, _) = start_and_kill("create", parent.path(), next..10_000, after, delay);
        acked.extend(acks);
        let visible: Vec<_> = names(parent.path()).into_iter().filter(|n| !n.starts_with('.')).collect();
        for name in &visible {
            Domain::open(&parent.path().join(name)).unwrap().set_pending(&speaker("a")).unwrap();
        }
        for n in &acked {
            assert!(visible.contains(&format!("d{n}")));
        }
        next = visible.iter().map(|n| n[1..].parse::<u64>().unwrap() + 1).max().unwrap_or(0);
    }
    assert!(!acked.is_empty());
}

#[test]
fn kill_between_a_write_and_its_event_loses_neither() {
    let f = fixture();
    drop(f.domain);
    let mut rng = Rng(0x5eed_0005);
    let (mut kills, mut outlived) = (0, 0);
    for round in 0..20 {
        let (after, delay) = moment(&mut rng);
        kills += u32::from(start_and_kill("tell", &f.dir, round * 1_000..(round + 1) * 1_000, after, delay).1);
        outlived += raw_rows(&f.dir, "SELECT 1 FROM outbox WHERE at = claimed_until").len();
    }
    // What was taken and not passed on before a kill comes again after a minute.
    let later = ManualClock::starting(SystemClock.now().0 + 120_000);
    let domain = Domain::open_with(&f.dir, OpenOptions::default().clock(later)).unwrap();
    let mut told: Vec<String> =
        fs::read_to_string(f.dir.with_extension("events")).unwrap().split_inclusive('\n').map(str::to_owned).collect();
    let outbox = domain.outbox("journal").unwrap();
    let left = outbox.take(1_000).unwrap();
    told.extend(left.iter().map(line_of));
    outbox.acknowledge(&left.iter().map(|e| e.seq).collect::<Vec<_>>()).unwrap();
    assert!(outbox.take(1).unwrap().is_empty());

    let (mut done, mut after) = (Vec::new(), 0);
    loop {
        let page = domain.audit(after).unwrap();
        let Some(last) = page.last() else { break };
        after = last.seq;
        done.extend(page.into_iter().filter(|e| e.action.to_string().starts_with("SPEAKER_")).map(|e| e.subject));
    }
    let distinct: BTreeSet<&String> = told.iter().collect();
    println!(
        "{kills} kills, {} changes, {outlived} events that outlived a kill untaken, {} taken, {} told twice",
        done.len(),
        left.len(),
        told.len() - distinct.len()
    );
    assert!(kills == 20 && outlived > 0, "{kills} kills, {outlived} events outlived one: the test did not test");
    let mut events: Vec<&str> = distinct.iter().map(|l| l.trim_end().split_once(' ').unwrap().1).collect();
    events.sort_unstable();
    done.sort_unstable();
    assert_eq!(events, done, "each change has one event, and each event a change");
}

#[test]
fn two_processes_enrol_at_once_and_nothing_is_lost() {
    let f = fixture();
    let begin = Instant::now();
    let mut children = [start("enrol", &f.dir, 0..50), start("enrol", &f.dir, 50..100)];
    let mut acked = BTreeSet::new();
    for child in &mut children {
        acked.extend(acknowledged(child));
        assert!(child.wait().unwrap().success());
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("100 enrolments by two processes in {seconds:.2} s");
    assert_eq!(acked, (0..100).collect());
    assert_eq!(whole(&f.dir), (0..100).collect());
    assert_eq!(f.domain.verify_audit().unwrap(), 101);
}

#[test]
fn two_processes_on_the_same_speakers_leave_each_whole() {
    let f = fixture();
    let mut children = [start("enrol", &f.dir, 0..30), start("enrol", &f.dir, 0..30)];
    for child in &mut children {
        assert_eq!(acknowledged(child).len(), 30);
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(whole(&f.dir), (0..30).collect());
}

#[test]
fn a_writer_waits_for_its_turn_and_then_says_so() {
    let f = fixture();
    let lock = fs::File::options().write(true).open(f.dir.join("domain.lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| f.domain.set_pending(&speaker("a")).map(|_| ()));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished());
        // Readers do not wait.
        Domain::open(&f.dir).unwrap().describe().unwrap();
        lock.unlock().unwrap();
        waiting.join().unwrap().unwrap();
    });
    lock.lock().unwrap();
    let begin = Instant::now();
    let error = f.domain.set_pending(&speaker("b")).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    assert!((9.0..13.0).contains(&begin.elapsed().as_secs_f64()), "{:?}", begin.elapsed());
    lock.unlock().unwrap();
    f.domain.set_pending(&speaker("b")).unwrap();
}

/// Enrols until there is no room; returns how many succeeded.
fn fill(domain: &Domain) -> u64 {
    for n in 0..10_000 {
        match domain.put_voiceprint(&speaker(&format!("s{n}")), enrolment(&numbered_template(n))) {
            Ok(_) => {}
            Err(e) => {
                assert!(matches!(e, StoreError::Full { .. }), "{e:?}");
                let text = e.to_string();
                assert!(text.contains("domain.sqlite") && !text.contains('\n'), "{text}");
                return n;
            }
        }
    }
    panic!("it never filled up");
}

#[test]
fn a_size_limit_is_a_full_disk() {
    let f = fixture();
    drop(f.domain);
    let limited = || Domain::open_with(&f.dir, OpenOptions::default().size_limit_bytes(600_000)).unwrap();
    let domain = limited();
    let n = fill(&domain);
    assert!((20..200).contains(&n), "{n}");
    assert_eq!(whole(&f.dir), (0..n).collect());
    // The same connection goes on: what fits is taken, what does not is refused again.
    assert!(matches!(domain.put_voiceprint(&speaker("big"), enrolment(&[1; 100_000])), Err(StoreError::Full { .. })));
    // Rows of one speaker lie in pages with others': several go so that there is surely room for one.
    for gone in ["s0", "s1", "s2", "s3"] {
        domain.delete_speaker(&speaker(gone)).unwrap();
    }
    domain.put_voiceprint(&speaker("s0"), enrolment(&numbered_template(0))).unwrap();
    drop(domain);
    assert!(fs::metadata(f.dir.join("domain.sqlite")).unwrap().len() <= 600_000);
    assert_eq!(whole(&f.dir), std::iter::once(0).chain(4..n).collect());
}

/// A file system of `kib` KiB, unmounted when dropped; `None` where we may not mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(kib: u32) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|s| s.success()) {
            return Some(SmallDisk(dir));
        }
        println!("skipped: no small file system can be mounted here");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_and_harms_nothing() {
    let Some(disk) = SmallDisk::mount(2_048) else { return };
    let (dir, ballast) = (disk.0.path().join("d"), disk.0.path().join("ballast"));
    let domain = Domain::create(&dir, new_domain()).unwrap();
    fs::write(&ballast, vec![7; 600_000]).unwrap();
    let n = fill(&domain);
    assert!(n >= 20, "{n}");
    drop(domain);

    // What was acknowledged is there after the disk has room again, and with it the work goes on.
    let out = disk.0.path().join("out.bin");
    let error = cli_store::write_atomic(&out, &vec![1; 4_000_000]).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    let error = Domain::create(&disk.0.path().join("e"), new_domain());
    if let Err(error) = error {
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        assert_eq!(names(disk.0.path()), ["ballast", "d"]);
    }
    fs::remove_file(&ballast).unwrap();
    let seen = whole(&dir);
    assert_eq!(seen, (0..n).collect(), "acknowledged {n}");
    let domain = Domain::open(&dir).unwrap();
    domain.put_voiceprint(&speaker(&format!("s{n}")), enrolment(&numbered_template(n))).unwrap();
    domain.delete_speaker(&speaker("s0")).unwrap();
    drop(domain);
    assert_eq!(whole(&dir), (1..=n).collect());
}

#[test]
fn no_room_to_create_leaves_nothing() {
    for kib in [4, 16, 64, 128] {
        let Some(disk) = SmallDisk::mount(kib) else { return };
        let error = Domain::create(&disk.0.path().join("d"), new_domain()).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{kib} KiB: {error:?}");
        assert!(error.to_string().contains(disk.0.path().join("d").to_str().unwrap()), "{error}");
        assert!(names(disk.0.path()).is_empty(), "{:?}", names(disk.0.path()));
    }
}

/// Figures for the record: `cargo test -p cli-store --test crash figures -- --ignored --nocapture`.
#[test]
#[ignore = "measures, proves nothing"]
fn figures() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("d");
    let time = |what: &str, times: u32, mut f: Box<dyn FnMut(u32) + '_>| {
        let begin = Instant::now();
        (0..times).for_each(&mut f);
        let each = begin.elapsed() / times;
        println!("{what}: {:.3} ms each, {:.0} per s", each.as_secs_f64() * 1e3, 1.0 / each.as_secs_f64());
    };
    time("create domain", 1, Box::new(|_| drop(Domain::create(&dir, new_domain()).unwrap())));
    let domain = Domain::open(&dir).unwrap();
    let template = numbered_template(5);
    println!("template of {} bytes", template.len());
    time(
        "enrol",
        2_000,
        Box::new(|i| {
            domain.put_voiceprint(&speaker(&format!("s{i}")), enrolment(&template)).unwrap();
        }),
    );
    time(
        "voiceprint",
        2_000,
        Box::new(|i| {
            domain.voiceprint(&speaker(&format!("s{i}"))).unwrap();
        }),
    );
    time(
        "touch",
        500,
        Box::new(|i| {
            domain.touch_authenticated(&speaker(&format!("s{i}"))).unwrap();
        }),
    );
    time("sweep of 2000", 3, Box::new(|_| domain.for_each_enrolled(|_, _| Ok(())).unwrap()));
    time("delete", 100, Box::new(|i| domain.delete_speaker(&speaker(&format!("s{i}"))).unwrap()));
    time("rekey", 20, Box::new(|_| domain.rekey().unwrap()));
    drop(domain);
    time("open and close", 50, Box::new(|_| drop(Domain::open(&dir).unwrap())));
    let domain = Domain::open(&dir).unwrap();
    let passphrase = cli_store::Passphrase::generate().unwrap();
    time("export", 5, Box::new(|_| drop(domain.export_voiceprint(&speaker("s200"), &passphrase).unwrap())));
}
