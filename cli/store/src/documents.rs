//! Small documents of a domain: users, roles, elevations, rules, settings. Each is sealed under its kind and name and has a version.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{Connection, change, rows};
use crate::clock::Timestamp;
use crate::domain::Domain;
use crate::error::StoreError;
use crate::statement::{Fields, Statement, get};

/// What a document is of; the spelling is the database's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Token,
    Role,
    Elevation,
    Rule,
    Setting,
    Acknowledgement,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::User => "USER",
            Kind::Token => "TOKEN",
            Kind::Role => "ROLE",
            Kind::Elevation => "ELEVATION",
            Kind::Rule => "RULE",
            Kind::Setting => "SETTING",
            Kind::Acknowledgement => "ACKNOWLEDGEMENT",
        }
    }
}

/// A document as it is stored.
#[derive(Clone)]
pub(crate) struct Document<T> {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) updated_at: Timestamp,
    pub(crate) value: T,
}

impl Domain {
    fn read_document<T: DeserializeOwned>(&self, kind: Kind, row: &Fields) -> Result<Document<T>, StoreError> {
        let path = self.path();
        let (name, version): (String, i64) = (get(path, row, 0)?, get(path, row, 1)?);
        let (updated_at, sealed): (i64, Vec<u8>) = (get(path, row, 2)?, get(path, row, 3)?);
        let damaged = || StoreError::corrupt(path, format!("a {} does not open", kind.as_str()));
        let number = version.to_le_bytes();
        let context = [b"documents", self.id().as_str().as_bytes(), kind.as_str().as_bytes(), name.as_bytes(), &number];
        let plain = self.opened.keys.open(&context, &sealed).ok_or_else(damaged)?;
        let value = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        Ok(Document { name, version: u64::try_from(version).unwrap_or(0), updated_at: Timestamp(updated_at), value })
    }

    /// The documents of a kind, by name.
    pub(crate) fn documents<T: DeserializeOwned>(
        &self,
        c: &mut dyn Connection,
        kind: Kind,
    ) -> Result<Vec<Document<T>>, StoreError> {
        let query = Statement::new(
            "SELECT name, version, updated_at, sealed FROM documents WHERE domain_id = $1 AND kind = $2 ORDER BY name",
        );
        let found = rows(c, query.bind(self.id().as_str()).bind(kind.as_str()))?;
        found.iter().map(|row| self.read_document(kind, row)).collect()
    }

    /// One document.
    pub(crate) fn document<T: DeserializeOwned>(
        &self,
        c: &mut dyn Connection,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Document<T>>, StoreError> {
        let query = Statement::new(
            "SELECT name, version, updated_at, sealed FROM documents WHERE domain_id = $1 AND kind = $2 AND name = $3",
        );
        let query = query.bind(self.id().as_str()).bind(kind.as_str()).bind(name);
        rows(c, query)?.pop().map(|row| self.read_document(kind, &row)).transpose()
    }

    /// Writes a document over the one of its name; its version is one more.
    pub(crate) fn put_document<T: Serialize>(
        &self,
        c: &mut dyn Connection,
        kind: Kind,
        name: &str,
        value: &T,
    ) -> Result<u64, StoreError> {
        let path = self.path();
        let query = Statement::new("SELECT version FROM documents WHERE domain_id = $1 AND kind = $2 AND name = $3");
        let query = query.bind(self.id().as_str()).bind(kind.as_str()).bind(name);
        let last: i64 = rows(c, query)?.pop().map(|row| get(path, &row, 0)).transpose()?.unwrap_or(0);
        let version = last.saturating_add(1);
        let plain = zeroize::Zeroizing::new(
            serde_json::to_vec(value).map_err(|e| StoreError::Internal { reason: e.to_string() })?,
        );
        let number = version.to_le_bytes();
        let context = [b"documents", self.id().as_str().as_bytes(), kind.as_str().as_bytes(), name.as_bytes(), &number];
        let insert = Statement::new(
            "INSERT INTO documents (domain_id, kind, name, version, updated_at, sealed) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (domain_id, kind, name) DO UPDATE SET version = $4, updated_at = $5, sealed = $6",
        )
        .bind(self.id().as_str())
        .bind(kind.as_str())
        .bind(name)
        .bind(version)
        .bind(self.now().0)
        .bind(self.opened.keys.seal(&context, &plain)?);
        change(c, insert)?;
        Ok(u64::try_from(version).unwrap_or(0))
    }

    /// Deletes a document; says whether there was one.
    pub(crate) fn delete_document(&self, c: &mut dyn Connection, kind: Kind, name: &str) -> Result<bool, StoreError> {
        let delete = Statement::new("DELETE FROM documents WHERE domain_id = $1 AND kind = $2 AND name = $3");
        let delete = delete.bind(self.id().as_str()).bind(kind.as_str()).bind(name);
        Ok(change(c, delete)? > 0)
    }
}
