//! Batch jobs: many enrolments or registrations from one manifest, which a killed process loses nothing of.
//!
//! Items are prepared side by side, some ahead of others, and committed one after another in the manifest's order: what an item
//! comes to depends on those before it and on nothing else, so that a job that was killed and taken up again ends as it
//! would have.
//!
//! | to add | touch |
//! |---|---|
//! | a kind of job | one file like [`enroll`] with a [`Work`], and its arguments |

pub mod enroll;
mod job;
pub mod location;
pub mod manifest;
pub mod recordings;
pub mod register;
mod work;

pub use job::{is_open, run, submit};
pub use work::{ItemError, Request, Stop, Work};
