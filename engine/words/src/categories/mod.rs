//! Rules that put conversations into categories, as Contact Lens's: conditions over what is said, by whom, and how; actions where they hold.
//!
//! A rule is JSON:
//!
//! ```json
//! {"name": "cancellations", "eventSource": "POST_CALL", "match": "ALL",
//!  "lists": {"cards": ["visa", "credit card"]},
//!  "conditions": [
//!    {"type": "words", "match": "PATTERN", "participant": "CUSTOMER", "values": ["cancel* ~3 [cards]"]},
//!    {"type": "sentimentPeriod", "participant": "CUSTOMER", "period": "LAST", "seconds": 60, "from": -5, "to": -1}],
//!  "actions": [{"type": "category", "name": "Cancellation"}, {"type": "event"}, {"type": "webhook", "file": "hook.ndjson"}]}
//! ```
//!
//! | condition | holds where | in real time |
//! |---|---|---|
//! | `words`, `match` EXACT or PATTERN, 1-100 `values`, `negate` | one of them is said (none is, with `negate`: told at the end) | yes |
//! | `agent`, `queue`, 1-100 `values` | the contact is of one of them | yes |
//! | `attribute`, `key`, 1-5 `values` | the attribute is one of them | yes |
//! | `sentimentPeriod`, `period` FIRST, LAST or ANY, `seconds`, `from`, `to` | the participant's mean score in that time is in the range | yes |
//! | `sentiment`, `from`, `to` | the participant's score of the whole contact is | no |
//! | `interruptions`, `atLeast` | the participant interrupted that often | yes |
//! | `nonTalk`, `longestSeconds`, `totalSeconds` | nobody spoke for that long | yes |
//!
//! Batch and real time are one path: turns are pushed as they are said, and each looks at the new turn only. The words are those of the copy that is
//! given; where a redacted one is there, it is that.

mod pattern;
mod rule;
mod watch;

pub use pattern::{Pattern, PatternError};
pub use rule::{Action, Condition, EventSource, MAX_CONDITIONS, Rule, RuleError, Side};
pub use watch::{About, Fired, Turn, Watch, categories, turn_of, turns_of};
