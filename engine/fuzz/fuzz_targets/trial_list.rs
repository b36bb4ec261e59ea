//! Any text is an error with a line of the text, or a list whose indices hold.
#![no_main]

use engine::metrics::TrialList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match TrialList::parse(text) {
    Ok(list) => {
        assert!(!list.trials().is_empty());
        for trial in list.trials() {
            assert!(list.files().get(trial.enrolment as usize).is_some_and(|f| !f.is_empty()));
            assert!(list.files().get(trial.probe as usize).is_some_and(|f| !f.is_empty()));
        }
        for part in 0..4 {
            assert_eq!(list.people(part).len(), list.files().len());
            list.speakers(part);
        }
    }
    Err(error) => assert!(error.line <= text.lines().count()),
});
