//! Which fields of a contact record may leave the house: Operata's data-privacy controls (allow or deny by dotted paths, a mandatory set), and the
//! six tiers of its newer filter.
//!
//! A path is kept where it is mandatory or leads to something mandatory; under allow, where a listed path is a prefix of it or it is a prefix of a
//! listed one; under deny, where no listed path is a prefix of it. A mandatory field with mandatory fields below it is kept as a container only. Arrays
//! are gone through: their elements have the array's path. What is let through only for what lies below it and holds nothing that is kept goes, unless
//! it is mandatory; so does a value that is no container there, but null. Keys are case-sensitive; a dot in a key is written `\.`.

mod policy;
mod record;

pub use policy::{FieldPolicy, Mode, PolicyError, Preset, Tier, Transform};
pub use record::{Changes, Sealer, Sealing};
