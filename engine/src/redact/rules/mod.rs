//! Finding personal data in the words of a call.
