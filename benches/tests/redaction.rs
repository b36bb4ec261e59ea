//! What is found in the synthetic call centre, of the calls that nobody looked at while the rules were written: not less than it was.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use benches::redaction::measure;

#[test]
fn nearly_all_that_is_personal_is_found_in_calls_that_nobody_looked_at() {
    let unseen = measure(3_000, true, |_, _, _| {}).unwrap();
    let total = unseen.total();
    let share = |a: usize, b: usize| a as f64 / b as f64;
    assert!(total.items > 2_000);
    assert!(share(total.silenced, total.items) > 0.985, "{total:?}");
    assert!(share(total.right, total.found) > 0.99, "{total:?}");
    for (kind, least) in [
        ("CREDIT_DEBIT_NUMBER", 0.95),
        ("CREDIT_DEBIT_CVV", 0.99),
        ("PIN", 0.99),
        ("SSN", 0.99),
        ("PHONE", 0.99),
        ("EMAIL", 0.97),
        ("NAME", 0.97),
        ("ADDRESS", 0.97),
    ] {
        let tally = unseen.kinds[kind];
        assert!(share(tally.silenced, tally.items) >= least, "{kind} {tally:?}");
    }
    assert!(share(unseen.words_lost, unseen.words) < 0.01, "words of nothing personal that are silenced");
}
