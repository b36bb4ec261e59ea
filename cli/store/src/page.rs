//! Pages of a list, and the tokens that lead from one to the next.
//!
//! A token is opaque: hexadecimal of `issued at (8) | created at (8) | generated id (25) | code (16)`, the code being a
//! keyed hash, so that a token works only in the domain that gave it, unchanged, and for 24 hours.

use crate::clock::{DAY_MS, Timestamp};
use crate::error::StoreError;

use crate::bytes::{from_hex, to_hex};
use crate::key::Secret;
use crate::sealed::{mac, mac_begins_with};

/// Most items in a page.
pub const MAX_PAGE: usize = 100;

const BODY_BYTES: usize = 8 + 8 + 25;
const TOKEN_BYTES: usize = BODY_BYTES + 16;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// At most [`MAX_PAGE`] items.
    pub items: Vec<T>,
    /// Leads to the next page within 24 hours; `None` on the last.
    pub next_token: Option<String>,
}

pub(crate) fn token(key: &Secret, now: Timestamp, created_at: Timestamp, id: &str) -> String {
    let mut bytes = Vec::with_capacity(TOKEN_BYTES);
    bytes.extend_from_slice(&now.0.to_le_bytes());
    bytes.extend_from_slice(&created_at.0.to_le_bytes());
    bytes.extend_from_slice(id.as_bytes());
    let code = mac(key, &bytes);
    bytes.extend_from_slice(&code[..16]);
    to_hex(&bytes)
}

/// Where the next page starts: after this creation time and id.
pub(crate) fn parse(key: &Secret, now: Timestamp, token: &str) -> Result<(Timestamp, String), StoreError> {
    let invalid = || StoreError::invalid("NextToken", "must be a token that a list of this domain returned");
    let bytes: [u8; TOKEN_BYTES] = from_hex(token).ok_or_else(invalid)?;
    let (body, code) = bytes.split_at(BODY_BYTES);
    if !mac_begins_with(key, body, code) {
        return Err(invalid());
    }
    let number = |range: std::ops::Range<usize>| body[range].try_into().map(i64::from_le_bytes).map_err(|_| invalid());
    let age = now.0.saturating_sub(number(0..8)?);
    if age > DAY_MS {
        return Err(StoreError::invalid("NextToken", "has expired after 24 hours: start the list again"));
    }
    let id = String::from_utf8(body[16..].to_vec()).map_err(|_| invalid())?;
    Ok((Timestamp(number(8..16)?), id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_back_expire_and_cannot_be_changed() {
        let key = Secret::random().unwrap();
        let id = crate::ids::GeneratedSpeakerId::random().unwrap();
        let (now, created) = (Timestamp(1_000_000), Timestamp(5));
        let text = token(&key, now, created, id.as_str());
        assert!(text.is_ascii() && text.len() <= 8192);
        assert_eq!(parse(&key, now, &text).unwrap(), (created, id.to_string()));
        assert!(parse(&key, now.plus_days(1), &text).is_ok());
        assert!(parse(&key, Timestamp(now.plus_days(1).0 + 1), &text).is_err());
        assert!(parse(&Secret::random().unwrap(), now, &text).is_err());
        for i in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[i] = if changed[i] == b'0' { b'1' } else { b'0' };
            assert!(parse(&key, now, std::str::from_utf8(&changed).unwrap()).is_err(), "digit {i}");
        }
        for bad in ["", "00", "zz", &text[2..]] {
            assert!(parse(&key, now, bad).is_err(), "{bad}");
        }
    }
}
