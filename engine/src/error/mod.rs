//! What can be wrong with a configuration, and what with the audio.

mod config;
mod input;

pub use config::ConfigError;
pub use input::InputError;
