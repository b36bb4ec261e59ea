//! The databases that a domain can be kept in. The embedded one is SQLite; another is one module more that does what [`crate::backend::Backend`] asks.

pub(crate) mod sqlite;
