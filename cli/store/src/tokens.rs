//! Tokens: 256 random bits that stand for a user.
//!
//! A token is found by a keyed hash of it, so that neither the database nor the time that a look takes tells anything of tokens, and no slow hash is needed:
//! nobody guesses 256 bits. What is kept is a sealed document under that hash, and the user's own document names it: both have to agree.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::access::Permission;
use crate::actor::{Actor, Credential};
use crate::audit_action::AuditAction;
use crate::backend::Connection;
use crate::bytes::{from_hex, random_bytes, to_hex};
use crate::clock::Timestamp;
use crate::documents::Kind;
use crate::domain::Domain;
use crate::error::{ResourceType, StoreError};
use crate::key::Secret;
use crate::sealed::{framed, mac, mac_begins_with};
use crate::users::{SlowHash, Stored, no_such};

/// What a token begins with, so that one that lies about is known for what it is.
const PREFIX: &str = "vouch_";

/// What is kept of a token, under its keyed hash.
#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    /// A second code of the token, for a comparison whose time tells nothing.
    proof: String,
    issued_at: i64,
    expires_at: Option<i64>,
}

fn message<'a>(what: &'a [u8], token: &'a str) -> Vec<u8> {
    framed(&[what, token.as_bytes()])
}

/// The slow hash of tokens that were given before schema 7: Argon2id with 19 MiB and two passes.
fn slow_hash(secret: &[u8], salt: &[u8; 16]) -> Result<Secret, StoreError> {
    let internal = |e: argon2::Error| StoreError::Internal { reason: e.to_string() };
    let params = Params::new(19_456, 2, 1, Some(32)).map_err(internal)?;
    let mut hash = Secret([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret, salt, &mut hash.0)
        .map_err(internal)?;
    Ok(hash)
}

impl Domain {
    /// Who it is that asks.
    pub(crate) fn resolve(&self, credential: Credential<'_>) -> Result<Actor, StoreError> {
        let user = match credential {
            Credential::Owner => return Ok(self.actor.clone()),
            Credential::User(name) => self.known_user(name)?,
            Credential::Token(token) => self.user_of_token(token.trim())?,
        };
        Ok(Actor { domain: self.id().clone(), name: user.clone(), user: Some(user) })
    }

    fn token_index(&self, token: &str) -> String {
        to_hex(&mac(&self.opened.keys.tokens, &message(b"index", token)))
    }

    fn token_proof(&self, token: &str) -> String {
        to_hex(&mac(&self.opened.keys.tokens, &message(b"proof", token)))
    }

    /// The user whose token it is. Whoever has none learns nothing but that; the audit has the reason.
    fn user_of_token(&self, token: &str) -> Result<String, StoreError> {
        let found = match token.split_once(':') {
            None => self.opened.backend.read(|c| self.find_token(c, token))?,
            Some((name, secret)) => self.earlier_token(token, name, secret)?,
        };
        match found {
            Ok(user) => Ok(user),
            Err(why) => {
                self.note_refusal("token", &why)?;
                Err(StoreError::Denied { reason: "the token opens nothing".into() })
            }
        }
    }

    /// The inner error is for the audit.
    fn find_token(&self, c: &mut dyn Connection, token: &str) -> Result<Result<String, String>, StoreError> {
        let index = self.token_index(token);
        let Some(kept) = self.document::<Kept>(c, Kind::Token, &index)?.map(|d| d.value) else {
            return Ok(Err("a token that is not known".into()));
        };
        let user = self.document::<Stored>(c, Kind::User, &kept.user)?.map(|d| d.value);
        let proof = from_hex::<32>(&kept.proof);
        let fits = proof.is_some_and(|p| mac_begins_with(&self.opened.keys.tokens, &message(b"proof", token), &p))
            && user.is_some_and(|u| u.token_index.as_deref() == Some(index.as_str()));
        if !fits {
            return Ok(Err(format!("a token that {} has no longer", kept.user)));
        }
        if kept.expires_at.is_some_and(|end| end <= self.now().0) {
            return Ok(Err(format!("a token of {} whose time is over", kept.user)));
        }
        Ok(Ok(kept.user))
    }

    /// A token of before schema 7, `NAME:64 digits`, which was kept as a slow hash: checked slowly once, and kept as the others are from then on.
    fn earlier_token(&self, token: &str, name: &str, secret: &str) -> Result<Result<String, String>, StoreError> {
        let found = self.opened.backend.read(|c| self.find_token(c, token))?;
        if found.is_ok() {
            return Ok(found);
        }
        let users = self.opened.backend.read(|c| self.documents::<Stored>(c, Kind::User))?;
        if users.iter().all(|u| u.value.token.is_none()) {
            return Ok(found);
        }
        // A name that is not known takes as long as a secret that is wrong.
        let slow = users.into_iter().find(|u| u.name == name).and_then(|u| u.value.token);
        let salt = slow.as_ref().and_then(|t| from_hex(&t.salt)).unwrap_or([0; 16]);
        let hash = slow_hash(secret.as_bytes(), &salt)?;
        let code = slow.as_ref().and_then(|t| from_hex::<32>(&t.hash));
        if !code.is_some_and(|code| mac_begins_with(&self.opened.keys.page, &hash.0, &code)) {
            return Ok(found);
        }
        self.opened.backend.write(|c| {
            let stored = self.document::<Stored>(c, Kind::User, name)?.map(|d| d.value);
            // Another request may have been here first.
            let same = |s: &Stored| s.token.as_ref().map(|t| &t.hash) == slow.as_ref().map(|t| &t.hash);
            let Some(mut stored) = stored.filter(same) else { return self.find_token(c, token) };
            self.keep_token(c, name, &mut stored, token, None)?;
            Ok(Ok(name.to_owned()))
        })
    }

    /// Keeps a token as the only one of its user.
    fn keep_token(
        &self,
        c: &mut dyn Connection,
        user: &str,
        stored: &mut Stored,
        token: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.drop_token(c, stored)?;
        let index = self.token_index(token);
        let kept = Kept {
            user: user.to_owned(),
            proof: self.token_proof(token),
            issued_at: self.now().0,
            expires_at: expires_at.map(|t| t.0),
        };
        self.put_document(c, Kind::Token, &index, &kept)?;
        stored.token_index = Some(index);
        self.put_document(c, Kind::User, user, stored).map(|_| ())
    }

    /// Takes a user's token away; the user's own document is the caller's to write.
    pub(crate) fn drop_token(&self, c: &mut dyn Connection, stored: &mut Stored) -> Result<(), StoreError> {
        stored.token = None::<SlowHash>;
        if let Some(index) = stored.token_index.take() {
            self.delete_document(c, Kind::Token, &index)?;
        }
        Ok(())
    }

    /// Gives a user a new token, 256 random bits; this is the only way to read it, and the one before opens nothing any more. It takes every right that the user has, or
    /// it would be a way to them. It holds until it is revoked.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`]; storage errors.
    pub fn issue_token(&self, user: &str) -> Result<Zeroizing<String>, StoreError> {
        self.give_token(user, None)
    }

    /// As [`Domain::issue_token`], for a token that opens nothing from `expires_at` on.
    ///
    /// # Errors
    /// Those of [`Domain::issue_token`]; [`StoreError::Validation`] for a time that is over.
    pub fn issue_token_until(&self, user: &str, expires_at: Timestamp) -> Result<Zeroizing<String>, StoreError> {
        self.give_token(user, Some(expires_at))
    }

    fn give_token(&self, user: &str, expires_at: Option<Timestamp>) -> Result<Zeroizing<String>, StoreError> {
        self.allow(Permission::UsersEdit)?;
        if expires_at.is_some_and(|end| end <= self.now()) {
            return Err(StoreError::invalid("ExpiresAt", "must be in the future"));
        }
        self.may_take_over(user)?;
        let token = Zeroizing::new(format!("{PREFIX}{}", Zeroizing::new(to_hex(&random_bytes::<32>()?)).as_str()));
        self.opened.backend.write(|c| {
            let found = self.document::<Stored>(c, Kind::User, user)?;
            let mut stored = found.ok_or_else(|| no_such(ResourceType::User, "user", user))?.value;
            self.keep_token(c, user, &mut stored, &token, expires_at)?;
            let note = expires_at.map(|end| format!("until {end}"));
            self.record_noted(c, AuditAction::TokenIssued, user, note.as_deref())
        })?;
        Ok(token)
    }

    /// Takes a user's token away: it opens nothing from the next request on. A user without one stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::NotFound`]; storage errors.
    pub fn revoke_token(&self, user: &str) -> Result<(), StoreError> {
        self.allow(Permission::UsersEdit)?;
        self.opened.backend.write(|c| {
            let found = self.document::<Stored>(c, Kind::User, user)?;
            let mut stored = found.ok_or_else(|| no_such(ResourceType::User, "user", user))?.value;
            if stored.token.is_none() && stored.token_index.is_none() {
                return Ok(());
            }
            self.drop_token(c, &mut stored)?;
            self.put_document(c, Kind::User, user, &stored)?;
            self.record(c, AuditAction::TokenRevoked, user)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewDomain, SharedDomain};

    #[test]
    fn a_token_of_before_schema_7_opens_and_is_kept_anew() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("d");
        let domain = Domain::create(&dir, NewDomain::new("test".parse().unwrap())).unwrap();
        domain.create_user("alice", &["Agent".into()], None).unwrap();
        let (secret, salt) = (to_hex(&[7; 32]), [9; 16]);
        let hash = to_hex(&mac(&domain.opened.keys.page, &slow_hash(secret.as_bytes(), &salt).unwrap().0));
        let earlier = |hash: &str| {
            let write = |c: &mut dyn Connection| {
                let mut stored = self::stored(&domain, c, "alice");
                stored.token = Some(SlowHash { salt: to_hex(&salt), hash: hash.to_owned() });
                domain.put_document(c, Kind::User, "alice", &stored)
            };
            domain.opened.backend.write(write).unwrap();
        };
        earlier(&hash);
        let shared = SharedDomain::open(&dir, crate::OpenOptions::default()).unwrap();
        let open = |token: &str| shared.actor(Credential::Token(token)).map(|a| a.name().to_owned());
        for bad in [format!("alice:{}", to_hex(&[8; 32])), format!("bob:{secret}"), "alice:".into(), ":".into()] {
            assert!(matches!(open(&bad), Err(StoreError::Denied { .. })), "{bad}");
        }
        let token = format!("alice:{secret}");
        for _ in 0..2 {
            assert_eq!(open(&token).unwrap(), "alice");
            let stored = domain.opened.backend.read(|c| Ok(self::stored(&domain, c, "alice"))).unwrap();
            assert!(stored.token.is_none() && stored.token_index.is_some(), "the slow hash is gone");
        }
        domain.issue_token("alice").unwrap();
        assert!(matches!(open(&token), Err(StoreError::Denied { .. })), "the next token takes its place");
    }

    fn stored(domain: &Domain, c: &mut dyn Connection, user: &str) -> Stored {
        domain.document::<Stored>(c, Kind::User, user).unwrap().unwrap().value
    }
}
