//! Kinds of faults that were found in the wild or by attack, each with its brothers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use engine_words::Entity::{self, *};
use engine_words::rules::{self, Finding};
use engine_words::transcript::{Transcript, Turn, Word};

/// A call of lines, `0: ` the agent's and `1: ` the caller's.
fn call(lines: &[&str]) -> Transcript {
    let mut now = 0;
    let turns = lines.iter().map(|line| {
        let (who, text) = line.split_once(": ").unwrap();
        let word = |w: &str| {
            now += 400;
            Word { text: w.to_owned(), begin_ms: now - 400, end_ms: now - 20 }
        };
        Turn { speaker: who.parse().unwrap(), channel: None, words: text.split_whitespace().map(word).collect() }
    });
    Transcript::new(turns.collect()).unwrap()
}

fn find(call: &Transcript) -> Vec<Finding> {
    rules::find(call, &rules::recognised())
}

/// What is left of a call's lines after all that was found is taken away.
fn left(call: &Transcript, findings: &[Finding]) -> Vec<String> {
    let covered =
        |t: usize, w: usize| findings.iter().flat_map(|f| &f.places).any(|p| p.turn == t && p.words.contains(&w));
    let turns = call.turns().iter().enumerate();
    turns
        .map(|(t, turn)| {
            let words = turn.words.iter().enumerate().filter(|(w, _)| !covered(t, *w));
            words.map(|(_, w)| w.text.as_str()).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// Each line is found as what it is, and nothing of it is left but `rest`.
fn all(cases: &[(&str, Entity, &str)]) {
    let mut wrong = Vec::new();
    for (line, entity, rest) in cases {
        let call = call(&[&format!("1: {line}")]);
        let findings = find(&call);
        let left = left(&call, &findings).concat();
        if left != *rest || !findings.iter().any(|f| f.entity == *entity) {
            wrong.push(format!(
                "{line:?}: left {left:?}, found {:?}",
                findings.iter().map(|f| f.entity).collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn digits_are_found_with_any_separator_in_any_script_and_in_any_markup() {
    all(&[
        ("my card is 4111.1111.1111.1111", CreditDebitNumber, "my card is"),
        ("my card is 4111\u{2013}1111\u{2013}1111\u{2013}1111", CreditDebitNumber, "my card is"),
        ("my card is 4111 \u{2014} 1111 \u{2014} 1111 \u{2014} 1111", CreditDebitNumber, "my card is"),
        ("my card is 4111/1111/1111/1111", CreditDebitNumber, "my card is"),
        ("my card is 4111_1111_1111_1111", CreditDebitNumber, "my card is"),
        ("my card is 4111:1111:1111:1111", CreditDebitNumber, "my card is"),
        ("my card is 4,111,111,111,111,111", CreditDebitNumber, "my card is"),
        ("my card is (4111)(1111)(1111)(1111)", CreditDebitNumber, "my card is"),
        ("my card is <b>4111</b><i>1111</i><b>1111</b><i>1111</i>", CreditDebitNumber, "my card is"),
        ("{\"cardNumber\":\"4111111111111111\"}", CreditDebitNumber, ""),
        ("card=4111111111111111&cvv=123", CreditDebitNumber, ""),
        ("<card>4111111111111111</card>", CreditDebitNumber, ""),
        (
            "my card is \u{ff14}\u{ff11}\u{ff11}\u{ff11} \u{ff11}\u{ff11}\u{ff11}\u{ff11} 1111 1111",
            CreditDebitNumber,
            "my card is",
        ),
        ("my card is 4\u{ad}1\u{200b}1\u{2060}1\u{feff}111111111111", CreditDebitNumber, "my card is"),
        ("card 55\u{41e}\u{41e} \u{41e}\u{41e}\u{41e}\u{41e} OOOO OOO4", CreditDebitNumber, "card"),
        ("my card is fouroneoneone oneoneoneone oneoneoneone oneoneoneone", CreditDebitNumber, "my card is"),
        ("my card is for won won won won won won won won won won won won won won won", CreditDebitNumber, "my card is"),
        ("ssn is too for six ate nein to to won for", Ssn, "ssn is"),
        ("my social is 078.05.1120", Ssn, "my social is"),
        ("my phone is (212)555-0123", Phone, "my phone is"),
        ("call me at +44.20.7946.0958", Phone, "call me at"),
        ("My PIN is *4821#", Pin, "My PIN is"),
        ("PIN:4821", Pin, ""),
        ("14.03.1985 is my date of birth", DateTime, "is my date of birth"),
        ("born on 1985-03-14", DateTime, "born on"),
        ("the one-time code is 739 204", Pin, "the one-time code is"),
        ("the access code is 739204", Pin, "the access code is"),
        ("the sort code is 20-30-40", BankRouting, "the sort code is"),
        ("jane.doe\u{ff20}example.com", Email, ""),
        ("jane.doe [at] example.com", Email, ""),
        ("email=jane.doe@example.com;", Email, ""),
    ]);
}

#[test]
fn a_number_may_be_named_after_it() {
    all(&[
        ("4821 is my pin", Pin, "is my pin"),
        ("four eight two one that's my pin number", Pin, "that's my pin number"),
        ("123 is the security code", CreditDebitCvv, "is the security code"),
    ]);
}

#[test]
fn addresses_of_networks_and_devices_are_found_written_and_spoken() {
    all(&[
        ("it is 2001:db8::ff00:42:8329", IpAddress, "it is"),
        ("it is [2001:db8::1]:443", IpAddress, "it is"),
        ("it is fe80::1ff:fe23:4567:890a%eth0", IpAddress, "it is"),
        ("connect to 10.0.0.1:8080", IpAddress, "connect to"),
        ("ip=192.168.1.20/24", IpAddress, ""),
        ("it is one ninety two dot one sixty eight dot one dot twenty", IpAddress, "it is"),
        ("it is two zero zero one colon d b eight colon colon f f zero zero colon four two", IpAddress, "it is"),
        ("it is 00-1a-2B-3c-4d-5e", MacAddress, "it is"),
        ("it is 001a.2b3c.4d5e", MacAddress, "it is"),
        ("it is zero zero colon one a colon two b colon three c colon four d colon five e", MacAddress, "it is"),
    ]);
}

#[test]
fn a_title_with_a_full_stop_is_part_of_the_name() {
    all(&[
        ("You're speaking with Mrs. Okonkwo.", Name, "You're speaking with"),
        ("This is Mr. Smith calling.", Name, "This is calling."),
        ("Am I speaking with Dr. Lee?", Name, "Am I speaking with"),
        ("my name is Siobhan, Okafor", Name, "my name is"),
    ]);
}

#[test]
fn parts_of_a_number_are_put_together_and_what_is_said_again_is_found() {
    for (lines, rest) in [
        (
            vec![
                "1: the first four are four one one one",
                "1: the second four are one one one one",
                "1: the third four are one one one one",
                "1: the last four are one one one one",
            ],
            "the first four are",
        ),
        (
            vec![
                "0: can I have your card number",
                "1: four one one one",
                "0: sorry the line is bad could you speak up",
                "1: sure let me move to the window is that better",
                "0: yes",
                "1: one one one one",
                "1: wait I dropped it",
                "1: one one one one",
                "0: take your time it is fine",
                "1: one one one one",
            ],
            "",
        ),
        (vec!["0: security code", "1: seven", "0: seven", "1: three", "0: three", "1: nine", "0: thanks"], ""),
        (vec!["0: your card number", "1: 4111 1111 1111 1111", "0: so that is 4111 1111 1111 1111"], ""),
        (vec!["0: your card number", "1: 4111 1111 1111 1234", "0: great", "1: so it ends 1234 again"], ""),
    ] {
        let call = call(&lines);
        let left = left(&call, &find(&call));
        let numbers = ["one", "four", "seven", "three", "nine", "4111", "1111", "1234"];
        let digits = left.iter().flat_map(|l| l.split(' ')).filter(|w| numbers.contains(w)).count();
        // "the first four are" keeps its own.
        assert_eq!(digits, rest.split(' ').filter(|w| numbers.contains(w)).count(), "{left:?}");
    }
}

#[test]
fn sentences_of_every_day_are_left() {
    for line in [
        "it costs 49.99 and 1,200 dollars for 2 people",
        "one moment please and one more thing to do for you",
        "in two to four days at 7:30",
        "I have three questions about 2 orders",
        "this and/or that, e.g. a.m. or p.m.",
        "version 2.1.3 of model X5",
    ] {
        let call = call(&["0: how can I help", &format!("1: {line}")]);
        assert_eq!(left(&call, &find(&call))[1], line);
    }
}
